"""The plain forms of `chat`, `sessions list`, `export` and `replay`, understood without the full command line.

A good part of what these commands would take is loading the library that parses options. So the forms in which they are
typed day in, day out are recognised here, and everything else (abbreviations, --help, mistakes) is left to
`gptoss.cli.app`. Both call the same functions.
"""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gptoss.cli.command import Command, Tools
from gptoss.cli.formats import FORMATS, format_of


def recognise(arguments: list[str]) -> Command | None:
    """What to do, or None if that takes more than a glance."""
    match arguments:
        case ["sessions"] | ["sessions", "list"]:
            return _hurried(_list(as_json=False))
        case ["sessions", "list", "--json"]:
            return _hurried(_list(as_json=True))
        case ["replay", name, "--speed", speed] if not name.startswith("-") and speed.isdecimal():
            return _hurried(_replay(name, float(speed)))
        case ["export", *words]:
            return _hurried(_export(words))
        case ["chat", *words]:
            return _chat(words)
    return None


_VALUES = {
    "--session": "session",
    "--prompt": "prompt",
    "--reasoning-effort": "reasoning_effort",
    "-r": "reasoning_effort",
    "--developer-message": "developer_message",
    "--backend": "backend",
    "--server": "server",
    "--profile": "profile",
    "--db": "database",
}
_FLAGS = {
    "--continue": "latest",
    "-C": "latest",
    "--fork": "fork",
    "--take-over": "take_over",
    "--serve": "serve",
    "--json": "as_json",
    "--quiet": "quiet",
    "-q": "quiet",
}


def _chat(words: list[str]) -> Command | None:
    options: dict[str, Any] = {}
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in _FLAGS:
            options[_FLAGS[word]] = True
        elif word in _VALUES:
            options[_VALUES[word]] = value = next(rest, "-")
            if value.startswith("-"):
                return None
        elif word.startswith("-"):
            return None
        else:
            plain.append(word)
    from gptoss.cli.asking import chat_command

    return chat_command(plain, **options)


def _hurried(command: Command | None) -> Command | None:
    """The command, in a process that will not live long enough to have garbage worth collecting."""
    if command is None:
        return None

    def run(tools: Tools) -> int:
        gc.disable()
        _import_msgspec()
        code = command(tools)
        gc.freeze()  # or else the interpreter walks through everything once more when it ends
        return code

    return run


def _list(*, as_json: bool) -> Command:
    def run(tools: Tools) -> int:
        from gptoss.cli.sessions import list_sessions

        return list_sessions(tools.adapters, None, tools.out, as_json=as_json)

    return run


def _replay(name: str, speed: float) -> Command:
    def run(tools: Tools) -> int:
        from gptoss.cli.replaying import Place, replay_session

        return replay_session(tools.adapters, Place(name=name), tools.out, speed=speed)

    return run


def _export(words: list[str]) -> Command | None:
    name, format, file = "", None, None
    rest: Iterator[str] = iter(words)
    for word in rest:
        if word == "--format":
            format = next(rest, "")
        elif word == "-o":
            file = next(rest, "")
        elif not word.startswith("-") and not name:
            name = word
        else:
            return None
    if format is None:
        format = format_of(file or "") or "md"
    if not name or format not in FORMATS or file == "" or (file or "").startswith("-"):
        return None

    def run(tools: Tools) -> int:
        from gptoss.cli.exporting import Choice, export_session

        choice = Choice(format=format)
        return export_session(
            tools.adapters, None, name, choice, tools.out, tools.err, file=Path(file) if file else None
        )

    return run


def _import_msgspec() -> None:
    """Import msgspec on top of `typing`, although it would prefer typing_extensions.

    It would take two names from there that `typing` has too, and for them wait for inspect, ast and tokenize: a fifth
    of all that these commands take. Whoever needs that package later still gets it.
    """
    if "msgspec" in sys.modules or "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # the import system's word for "not there"
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]
