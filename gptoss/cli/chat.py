"""`gptoss chat`: chooses between one turn and a dialogue."""

import sys

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.confirming import Confirmation
from gptoss.cli.conversing import Chat
from gptoss.cli.interactive import InteractiveChat
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.one_shot import answer_once
from gptoss.cli.output import Output
from gptoss.cli.request import ChatRequest


def chat(request: ChatRequest, adapters: Adapters, out: Output, err: Output) -> int:
    """Answer the prompt, or talk with whoever sits at the terminal. The exit code."""
    request.check()
    talks = request.prompt is None and sys.stdin is not None and sys.stdin.isatty()
    interrupts = Interrupts()
    confirm = Confirmation(out if talks else err, interrupts) if request.tool_options.confirm else None
    with interrupts, Chat(request, adapters, interrupts, confirm) as opened:
        if talks:
            return InteractiveChat(opened, interrupts, out, err, adapters.folders.data).run()
        return answer_once(opened, request.prompt, interrupts, out, err)
