"""Runs a command line from its words to its exit code; the one place where errors become sentences.

Exit codes: 0, 1 for an error, 2 for a wrong use, 3 for a missing backend or model, 4 for a full context, 130 for an
interruption.
"""

import os
import sys
from typing import TextIO

from gptoss.cli.bootstrap import Adapters, Together
from gptoss.cli.command import Command, Tools
from gptoss.cli.output import INTERRUPTED, Output, OutputClosed, OutputFailed, standard_streams
from gptoss.cli.quick import recognise
from gptoss.engine.errors import GptossError

DEBUG = "--debug"


def run(arguments: list[str], adapters: Adapters | None = None, together: Together | None = None) -> int:
    """Obey the command line, with models that other processes share if `together` opens them. The exit code; nothing
    is raised."""
    arguments, debug = _without_debug(arguments)
    out, err = standard_streams()
    try:
        return _understood(arguments)(
            Tools(adapters or Adapters(err.transient, debug=debug, together=together), out, err)
        )
    except OutputClosed:
        _discard(sys.stdout, sys.stderr)
        return INTERRUPTED
    except SystemExit as done:  # a shell has been told its completions
        return done.code if isinstance(done.code, int) else 0
    except BaseException as error:  # noqa: BLE001  whatever it is, the user gets a sentence
        return _report(error, out, err, debug=debug)


def _report(error: BaseException, out: Output, err: Output, *, debug: bool) -> int:
    """Say what happened on standard error. The exit code."""
    code, sentence = _explained(error)
    try:
        out.end_line()
    except (OutputClosed, OutputFailed):
        _discard(sys.stdout)
    try:
        if debug:
            from traceback import format_exception

            err.line("".join(format_exception(error)).rstrip())
        err.sentence(f"gptoss: {sentence}", "error")
    except (OutputClosed, OutputFailed):
        _discard(sys.stderr)
    return code


def _understood(arguments: list[str]) -> Command:
    if arguments[:1] == ["--version"]:
        return _version
    command = recognise(arguments)
    if command is not None:
        return command
    from gptoss.cli import app

    return app.parse(arguments or ["--help"])


def _version(tools: Tools) -> int:
    from gptoss import __version__

    tools.out.line(f"gptoss {__version__}")
    return 0


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """`--debug` may stand anywhere, as long as it is an option."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [word for word in arguments[:end] if word != DEBUG]
    return options + arguments[end:], len(options) < end


def _explained(error: BaseException) -> tuple[int, str]:
    """The exit code and a sentence."""
    if isinstance(error, GptossError):
        return error.exit_code, " ".join(str(error).split())
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted"
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return 1, f"something went wrong that should not have ({what}); {DEBUG} shows where"


def _discard(*streams: TextIO | None) -> None:
    """What is buffered cannot be written; it must not fail again when the interpreter ends."""
    void = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        if stream is not None:
            os.dup2(void, stream.fileno())
    os.close(void)
