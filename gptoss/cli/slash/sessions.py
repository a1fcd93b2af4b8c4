"""This session, the others, and what becomes of them outside. Each docstring is the command's help."""

from pathlib import Path

from gptoss.cli.formats import FORMATS, format_of
from gptoss.cli.sessions import list_sessions
from gptoss.cli.slash.arguments import one
from gptoss.cli.slash.dialogue import Dialogue
from gptoss.engine.errors import UsageError


def sessions(dialogue: Dialogue, argument: str) -> None:
    """all sessions, the most recently used first"""
    list_sessions(dialogue.adapters, dialogue.database, dialogue.out, as_json=False)


def resume(dialogue: Dialogue, argument: str) -> None:
    """NAME · leave this session and go on with another one"""
    chat = dialogue.chat
    chat.resume(one(argument, "/resume", "the name of a session; /sessions lists them"))
    dialogue.display.notice(f"This is the session {chat.name}.")
    dialogue.show_tools()
    for sentence in chat.tool_options.warnings([tool.name for tool in chat.settings.tools]):
        dialogue.display.notice(sentence)
    dialogue.show_last_turn()


def rename(dialogue: Dialogue, argument: str) -> None:
    """NAME · give this session another name"""
    dialogue.chat.rename(one(argument, "/rename", "the new name"))
    dialogue.display.notice(f"This session is called {dialogue.chat.name} now.")


def search(dialogue: Dialogue, argument: str) -> None:
    """TEXT · where something was said, in all sessions"""
    from gptoss.cli.searching import search_sessions

    if not argument:
        raise UsageError("/search needs something to look for")
    search_sessions(
        dialogue.adapters,
        dialogue.database,
        argument,
        dialogue.out,
        session=None,
        role=None,
        since=None,
        until=None,
        limit=10,
        as_json=False,
    )


def save(dialogue: Dialogue, argument: str) -> None:
    """FILE · write the session as Markdown"""
    _export(dialogue, one(argument, "/save", "a file"), "md")


def export(dialogue: Dialogue, argument: str) -> None:
    """FILE · write the session in the format that the file's ending names, such as .html or .json"""
    file = one(argument, "/export", "a file such as chat.html")
    format = format_of(file)
    if format is None:
        raise UsageError(f"/export knows the format by the file's ending: one of {', '.join(FORMATS.values())}")
    _export(dialogue, file, format)


def _export(dialogue: Dialogue, file: str, format: str) -> None:
    from gptoss.cli.exporting import Choice, export_session

    dialogue.existing()
    export_session(
        dialogue.adapters,
        dialogue.database,
        dialogue.chat.name,
        Choice(format=format),
        dialogue.out,
        dialogue.out,
        file=Path(file).expanduser(),
    )
    dialogue.display.notice(f"Written to {file}.")
