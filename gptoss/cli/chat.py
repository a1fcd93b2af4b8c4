"""`gptoss chat`: chooses between one turn and a dialogue."""

import sys

from msgspec.structs import replace

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.confirming import Confirmation
from gptoss.cli.conversing import Chat
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.names import quoted
from gptoss.cli.one_shot import answer_once
from gptoss.cli.output import Output
from gptoss.cli.request import ChatRequest
from gptoss.engine.errors import BranchBusy, StorageError, UsageError


def chat(request: ChatRequest, adapters: Adapters, out: Output, err: Output) -> int:
    """Answer the prompt, or talk with whoever sits at the terminal. The exit code."""
    request = request.filled(adapters.config)
    request.check()
    if request.quiet:
        adapters.report = lambda text: None
    talks = request.prompt is None and sys.stdin is not None and sys.stdin.isatty()
    if talks and request.json:
        raise UsageError("--json needs a PROMPT, as an argument or piped in")
    interrupts = Interrupts()
    for sentence in adapters.toolbox.patches.recover():
        err.line(f"gptoss: {sentence}", "notice")
    confirm = Confirmation(out if talks else err, interrupts) if request.tool_options.confirm else None
    try:
        with interrupts, Chat(request, adapters, interrupts, confirm) as opened:
            for sentence in request.tool_options.warnings([tool.name for tool in opened.settings.tools]):
                err.line(f"gptoss: {sentence}", "notice")
            if talks:
                from gptoss.cli.interactive import InteractiveChat

                return InteractiveChat(opened, interrupts, out, err, adapters, request.database, raw=request.raw).run()
            rest = Output.silent() if request.quiet else err
            return answer_once(opened, request.prompt, interrupts, out, rest, raw=request.raw, json=request.json)
    except BranchBusy as busy:
        if not talks:
            raise _told(busy, request.session or "") from busy
        return _beside(busy, request, adapters, out, err)


def _told(busy: BranchBusy, session: str) -> StorageError:
    """The same with what can be done about it."""
    return StorageError(
        f"another process writes to session {session!r} (pid {busy.pid} on {busy.host}): follow it with "
        f"`gptoss tail {quoted(session)}`, go on beside it with --fork, or take it over with --take-over"
    )


def _beside(busy: BranchBusy, request: ChatRequest, adapters: Adapters, out: Output, err: Output) -> int:
    """Somebody else writes to the session: let the user choose what to do about it."""
    out.line(f"Session {request.session} is open in another process (pid {busy.pid} on {busy.host}).", "notice")
    out.write("  [f]ollow it live, [b]ranch off and go on beside it, [t]ake it over, or leave? [f/b/t/N] ")
    answer = sys.stdin.readline().strip().lower()
    out.typed_line()
    if answer == "f":
        from gptoss.cli.tailing import tail_session

        return tail_session(adapters, request.database, request.session or "", out, turns=2, follow=True)
    if answer in ("b", "t"):
        return chat(replace(request, fork=answer == "b", take_over=answer == "t"), adapters, out, err)
    return 0
