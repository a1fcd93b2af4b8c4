"""`gptoss chat`: chooses between one turn and a dialogue."""

import sys

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.conversing import Chat
from gptoss.cli.interactive import InteractiveChat
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.one_shot import answer_once
from gptoss.cli.output import Output
from gptoss.cli.request import ChatRequest


def chat(request: ChatRequest, adapters: Adapters, out: Output, err: Output) -> int:
    """Answer the prompt, or talk with whoever sits at the terminal. The exit code."""
    request.check()
    with Interrupts() as interrupts, Chat(request, adapters, interrupts) as opened:
        if request.prompt is None and sys.stdin is not None and sys.stdin.isatty():
            return InteractiveChat(opened, interrupts, out, err, adapters.folders.data).run()
        return answer_once(opened, request.prompt, interrupts, out, err)
