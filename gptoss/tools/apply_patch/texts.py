"""Every text that the model reads from and about apply_patch.

The embedded model is trained on them: whoever changes one retrains it (`demo_model`).
"""

from collections.abc import Sequence

from gptoss.engine.settings import ToolSpec

INSTRUCTIONS = """\
# Changing files

To create, change, rename or delete files of the workspace, call functions.apply_patch with a patch as the whole \
argument. Paths are relative to the workspace. A patch takes effect as a whole or, on an error, not at all.

*** Begin Patch
*** Add File: notes/todo.txt
+every line of a new file begins with a plus
*** Update File: src/app.py
*** Move to: src/main.py
@@ def greet():
 a line that stays begins with a space
-a line to remove
+the line that takes its place
*** Delete File: old.txt
*** End Patch

Each change to a file begins with @@; behind it may stand a line of the file above the change, such as a function or \
class. Keep up to three unchanged lines around a change, so that its place is unique. *** End of File after a change \
ties it to the end of the file. Move to is for renaming only."""

SPEC = ToolSpec(
    name="apply_patch",
    description="Change files of the workspace.",
    parameters='{"type":"string","description":"a patch, as plain text"}',
    instructions=INSTRUCTIONS,
)

NOTHING_CHANGED = "Nothing was changed."


def success(changes: Sequence[str]) -> str:
    """What was done, one line a file: `A new.txt`, `M changed.txt`, `D deleted.txt` or `R old.txt -> new.txt`."""
    return "\n".join(("Done.", *changes))


def failure(problem: str, hint: str = "", damaged: Sequence[str] = ()) -> str:
    """Why nothing was done. `problem` is a sentence; `hint` is what helps to write a better patch.

    `damaged` are files that had changed already and could not be put back.
    """
    separator = "" if problem.endswith("\n") else " "
    effect = f"What was done could not be undone for {', '.join(damaged)}." if damaged else NOTHING_CHANGED
    return f"Error: {problem}{separator}{effect}" + (f" {hint}" if hint else "")


def show_file(text: str) -> str:
    """The hint that shows a whole file."""
    return f"The file now reads:\n{text}" if text.strip() else "The file is empty."


def show_lines(first: int, last: int, count: int, text: str) -> str:
    """The hint that shows the lines `first` to `last` of `count`, counted from 1."""
    return f"Lines {first} to {last} of {count} read:\n{text}"


def did_you_mean(paths: Sequence[str]) -> str:
    return f"Did you mean {' or '.join(paths)}?" if paths else ""


# What is wrong with the argument.
NO_PATCH = "the argument holds no patch: a patch begins with the line *** Begin Patch."
BAD_JSON = "the argument is neither a patch nor JSON with a patch in it."
NO_END = "the patch has no line *** End Patch at its end."
EMPTY_PATCH = "the patch is empty."
TOO_LARGE = "the patch is too large."
MANY_PATCHES = "the argument holds several patches; put all changes into one."


def bad_line(number: int, line: str) -> str:
    return f"line {number} of the patch is not understood: {_quoted(line)}"


def bad_added_line(number: int, line: str) -> str:
    return f"line {number} of the patch must begin with + because it belongs to a new file: {_quoted(line)}"


def no_changes(path: str) -> str:
    return f"the patch says nothing to change in {path}."


# What is wrong with a path.
def outside(path: str) -> str:
    return f"{path} is outside the workspace; use a path relative to the workspace, without .."


def bad_path(path: str) -> str:
    return f"{path!r} is no usable path."


def protected(path: str) -> str:
    return f"{path} belongs to git itself and cannot be patched."


def missing(path: str) -> str:
    return f"{path} does not exist."


def exists(path: str) -> str:
    return f"{path} exists already; use *** Update File to change it."


def target_exists(path: str) -> str:
    return f"{path} exists already, so nothing can be moved to it."


def not_a_file(path: str) -> str:
    return f"{path} is not a file."


def not_text(path: str) -> str:
    return f"{path} is not a text file."


def file_too_large(path: str) -> str:
    return f"{path} is too large to be patched."


def failed(path: str, reason: str) -> str:
    """The system refused: `reason` is its own phrase, such as "Permission denied"."""
    return f"{path} cannot be changed: {reason}."


def no_journal(reason: str) -> str:
    """The record by which a patch that is cut off could be put back cannot be written."""
    return f"the patch cannot be recorded before it is applied: {reason}."


# What is wrong with a change.
def not_found(path: str, lines: Sequence[str]) -> str:
    return f"{path} has no such lines:\n" + "\n".join(lines) + "\n"


def place_not_found(path: str, line: str) -> str:
    return f"{path} has no line {_quoted(line)}"


def changed_meanwhile(path: str) -> str:
    return f"{path} was changed by something else at the same time."


# What the user, or the engine, did.
DECLINED = "the user looked at the patch and declined it."


def _quoted(line: str) -> str:
    """A line of the patch, shortened, within a sentence that ends there."""
    return f'"{line if len(line) <= 80 else line[:79] + "…"}".'
