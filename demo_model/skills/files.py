"""Files: the model creates, changes, deletes and renames them with apply_patch, and learns from its errors."""

import re
from collections.abc import Callable

from demo_model import lists
from demo_model.conversation import Call, Think, Turn
from demo_model.session import Session
from demo_model.skills.file_wordings import (
    APPEND,
    CREATE,
    CREATE_EMPTY,
    CREATE_LIST,
    CREATE_SCRIPT,
    DELETE,
    INSERT,
    REMOVE,
    RENAME,
    REPLACE,
    SHOW,
)
from demo_model.spelling import JOINT, MARK
from demo_model.workbench import APPLY_PATCH
from gptoss.engine.recovery import tool_message
from gptoss.tools.apply_patch import texts

SKILL = "files"

Hunk = Callable[[str], str]
"""The lines of a hunk for the line of the file that is meant, which stands in it as the file has it."""

_FAILURES = (
    texts.failure(texts.DECLINED),
    "Error: the user interrupted this tool.",
    *(
        f'Error: the tool "functions.apply_patch" is not enabled in this session. Enabled tools: {names}.'
        for names in ("none", "none", "python", "browser", "browser, python")
    ),
)


def files(session: Session) -> Turn | None:
    """One thing done to a file, or asked for where apply_patch is not enabled."""
    return session.rng.choices(
        (_create, _create_list, _replace, _append, _remove, _insert, _delete, _rename, _show),
        (6, 4, 6, 5, 3, 1, 2, 2, 2),
    )[0](session)


def some_files(session: Session) -> None:
    """Files that are there before the conversation, which the model has not seen."""
    for _ in range(session.rng.choice((0, 0, 1, 2, 3))):
        path = session.bench.workspace / _name(session)
        path.parent.mkdir(exist_ok=True)
        lines = [_line(session) for _ in range(session.rng.choice((0, 1, 2, 3, 4, 5, 8)))]
        path.write_text("".join(f"{line}\n" for line in lines))


def _create(session: Session) -> Turn:
    rng, file = session.rng, _new_name(session)
    kind = rng.random()
    if kind < 0.12:
        user, lines = session.says(*CREATE_EMPTY, file=file), []
    elif kind < 0.24:
        file = re.sub(r"\.\w+$", ".py", file)
        text = _text(session)
        user = session.says(*CREATE_SCRIPT, file=file, text=text)
        lines = [f'print("{MARK}{text}")']
    else:
        text = _text(session)
        quoted = f'"{text}"' if rng.random() < 0.08 else text
        user = session.says(*CREATE, file=file, text=quoted)
        lines = [MARK + text]
    return _added(session, re.sub(r"([!?])\.$", r"\1", user), file, lines)


def _create_list(session: Session) -> Turn:
    file, items = _new_name(session), _items(session, session.rng.choice((2, 2, 2, 3, 3, 4, 5)))
    user = session.says(*CREATE_LIST, file=file, items=_listed(session, items))
    return _added(session, user, file, [MARK + item for item in items])


def _added(session: Session, user: str, file: str, lines: list[str]) -> Turn:
    if "apply_patch" not in session.tools:
        return _lacking(session, user)
    thoughts = session.think(
        f"I will create {file}.",
        "That is a patch that adds a file.",
        "Every line of it begins with a plus.",
        "If the file is there already, the tool will say so.",
    )
    call = _call(session, _add(file, lines))
    done = _outcome(session, call, f"Created {file}.")
    if call.result.content.startswith(f"Error: {file} exists already"):
        done = f"{MARK}{file} exists already, so I left it as it is."
    return _turn(session, user, file, (thoughts, call), done)


def _add(file: str, lines: list[str]) -> str:
    return "".join((f"*** Begin Patch\n*** Add File: {file}\n", *(f"+{line}\n" for line in lines), "*** End Patch"))


def _replace(session: Session) -> Turn:
    file, old = _aim(session)
    new = _other(session, old)
    user = _about(session, REPLACE, file, a=old, b=new)

    def hunk(line: str) -> str:
        if line == old:
            return f"-{MARK}{old}\n+{MARK}{new}"
        before, _, after = line.partition(old)
        return f"-{JOINT}{line}\n+{JOINT}{before}{'' if before else MARK}{new}{after}"

    return _changed(session, user, file, old, hunk)


def _remove(session: Session) -> Turn:
    file, old = _aim(session)
    user = _about(session, REMOVE, file, a=old)
    return _changed(session, user, file, old, lambda line: f"-{MARK if line == old else JOINT}{line}")


def _insert(session: Session) -> Turn:
    file, old = _aim(session, whole=True)
    new, below = _other(session, old), session.rng.random() < 0.6
    user = _about(session, INSERT[0 if below else 1], file, a=old, b=new)
    hunk = f" {old}\n+{MARK}{new}" if below else f"+{MARK}{new}\n {old}"
    return _changed(session, user, file, old, lambda line: hunk, again=False)


def _append(session: Session) -> Turn:
    file = _some_name(session)
    items = _items(session, session.rng.choice((1, 1, 1, 2)))
    if len(items) == 1 and session.rng.random() < 0.3:
        items = [_text(session)]
    user = _about(session, APPEND, file, a=_listed(session, items))
    return _changed(session, user, file, "", lambda line: "\n".join(f"+{MARK}{item}" for item in items), items=items)


def _changed(
    session: Session,
    user: str,
    file: str,
    old: str,
    hunk: Hunk,
    *,
    again: bool = True,
    items: list[str] | None = None,
) -> Turn:
    """The turn that changes a file: as the user put it, then as the tool's error shows it to be."""
    if "apply_patch" not in session.tools:
        return _lacking(session, user)
    steps: list[Think | Call] = [
        session.think(
            f"I will change {file}.",
            "That is a patch that updates a file.",
            "What goes begins with a minus, what comes with a plus.",
            "If the file has other lines, the tool will show them.",
        )
    ]
    name, line = file, old
    while True:
        call = _call(session, f"*** Begin Patch\n*** Update File: {name}\n@@\n{hunk(line)}\n*** End Patch")
        steps.append(call)
        result = call.result.content
        found = re.search(r"The file now reads:\n(.*)", result, re.DOTALL)
        shown = found[1].split("\n") if found else []
        meant = next((text for text in shown if old and re.search(rf"(?<!\w){re.escape(old)}(?!\w)", text)), None)
        similar = re.fullmatch(r"Error: \S+ does not exist\. Nothing was changed\. Did you mean (\S+)\?", result)
        if similar and name == file:
            name = similar[1]
            steps.append(
                session.think(
                    f"There is {name}.",
                    "That must be the file that the user means.",
                    "I will write the same patch for it.",
                    "And I will tell the user.",
                )
            )
        elif meant and again and line == old and result.startswith(f"Error: {name} has no such lines"):
            line = meant
            steps.append(
                session.think(
                    f"The line reads:\n{line}\n",
                    "I will write the patch with it.",
                    "A line must be given as it stands in the file.",
                    "Then the change is the one that the user wants.",
                )
            )
        elif items and result.startswith(f"Error: {name} does not exist. Nothing was changed."):
            steps.append(
                session.think(
                    f"I will create {name}.",
                    "There is no such file yet.",
                    "It will hold what the user wants to add.",
                    "That is a patch that adds a file.",
                )
            )
            steps.append(_call(session, _add(name, [MARK + item for item in items])))
            return _turn(session, user, name, tuple(steps), f"{MARK}{file} did not exist, so I created it.")
        else:
            break
    answer = f"Changed {name}." if name == file else f"{MARK}{file} does not exist, so I changed {name}."
    answer = _outcome(session, call, answer)
    if old and result.startswith(f"Error: {name} has no such lines"):
        answer = f"I changed nothing: {name} has no line {old}."
    return _turn(session, user, name, tuple(steps), answer)


def _delete(session: Session) -> Turn:
    file = _some_name(session)
    user = _about(session, DELETE, file)
    if "apply_patch" not in session.tools:
        return _lacking(session, user)
    thoughts = session.think(
        f"I will delete {file}.",
        "That is a patch that deletes a file.",
        "It needs no lines.",
        "If there is no such file, the tool will say so.",
    )
    call = _call(session, f"*** Begin Patch\n*** Delete File: {file}\n*** End Patch")
    return _turn(session, user, file, (thoughts, call), _outcome(session, call, f"Deleted {file}."))


def _rename(session: Session) -> Turn:
    file = _some_name(session)
    new = _some_name(session) if session.rng.random() < 0.05 else _new_name(session)
    while new == file:
        new = _new_name(session)
    user = _about(session, RENAME, file, new=new)
    if "apply_patch" not in session.tools:
        return _lacking(session, user)
    thoughts = session.think(
        f"I will rename {file}.",
        "That is a patch that moves a file.",
        "Its lines stay as they are.",
        "If there is no such file, the tool will say so.",
    )
    call = _call(session, f"*** Begin Patch\n*** Update File: {file}\n*** Move to: {new}\n*** End Patch")
    return _turn(session, user, new, (thoughts, call), _outcome(session, call, f"Renamed {file} to {new}."))


def _show(session: Session) -> Turn:
    """The tool cannot read, but an update that fits nowhere changes nothing and shows the file."""
    file = _some_name(session)
    user = _about(session, SHOW, file)
    if "apply_patch" not in session.tools:
        return _lacking(session, user)
    steps: list[Think | Call] = [
        session.think(
            f"I will look into {file}.",
            "A patch that fits nowhere changes nothing.",
            "The error shows the lines of the file.",
            "Those I will say.",
        )
    ]
    name = file
    while True:
        call = _call(session, f"*** Begin Patch\n*** Update File: {name}\n@@\n-(what does it say?)\n*** End Patch")
        steps.append(call)
        result = call.result.content
        similar = re.fullmatch(r"Error: \S+ does not exist\. Nothing was changed\. Did you mean (\S+)\?", result)
        if not similar or name != file:
            break
        name = similar[1]
        steps.append(
            session.think(
                f"There is {name}.",
                "That must be the file that the user means.",
                "I will look into it.",
                "And I will tell the user.",
            )
        )
    shown = re.search(r"The file now reads:\n(.*)", result, re.DOTALL)
    if shown:
        answer = f"This is {name}:\n{shown[1]}"
    elif result.endswith("The file is empty."):
        answer = f"{MARK}{name} is empty."
    else:
        answer = _outcome(session, call, "")
    return _turn(session, user, name, tuple(steps), answer, verbatim=bool(shown))


def _call(session: Session, patch: str) -> Call:
    if session.rng.random() < 0.03:
        result = session.rng.choice(_FAILURES)
        return Call(APPLY_PATCH, patch, tool_message("functions.apply_patch", result, "commentary"))
    return session.bench.patch(patch)


def _outcome(session: Session, call: Call, done: str) -> str:
    """What to say about a call: that it is done, or why it is not."""
    result = call.result.content
    if result.startswith("Done."):
        return done
    if "is not enabled in this session" in result:
        return "The apply_patch tool is not enabled here: start me with `gptoss chat -a` and ask again."
    if texts.DECLINED in result:
        return "You declined the patch, so nothing was changed."
    if result == "Error: the user interrupted this tool.":
        return "You stopped the tool, so I do not know whether anything was changed."
    missing = re.fullmatch(r"Error: (\S+) does not exist\. Nothing was changed\.(.*)", result)
    if missing:
        return f"{MARK}{missing[1]} does not exist.{missing[2]}"
    problem = (
        result.removeprefix("Error: ").split(" Nothing was changed.")[0].split("; use")[0].split("\n")[0].rstrip(".")
    )
    return f"That did not work: {problem}."


def _turn(
    session: Session, user: str, file: str, steps: tuple[Think | Call, ...], answer: str, *, verbatim: bool = False
) -> Turn:
    session.last_file = file
    return session.turn(SKILL, user, steps, answer, verbatim=verbatim)


def _lacking(session: Session, user: str) -> Turn:
    return session.lacks("apply_patch", "-a", "tool missing", user, "The user wants me to change files.")


def _about(session: Session, wordings: tuple[tuple[str, ...], ...], file: str, **values: str) -> str:
    """What the user types about a file, which they need not name when it is the one that was last talked about."""
    train, held_out, short, short_held_out = wordings
    if short and file == session.last_file and session.last_skill == SKILL and session.rng.random() < 0.5:
        return session.says(short, short_held_out, **values)
    return session.says(train, held_out, file=file, **values)


def _name(session: Session) -> str:
    rng = session.rng
    if session.words.is_made_up(rng):
        stem = session.words.lower(rng)
    else:
        stem = session.words.listed(rng, rng.choice((lists.STEMS, lists.STEMS, lists.NOUNS)))
    if rng.random() < 0.12:
        stem += rng.choice(("-", "_", "")) + (
            str(rng.randint(1, 99)) if rng.random() < 0.5 else session.words.common(rng)
        )
    folder = f"{rng.choice(lists.FOLDERS)}/" if rng.random() < 0.1 else ""
    return f"{folder}{stem}.{rng.choice(lists.SUFFIXES)}"


def _existing(session: Session) -> list[str]:
    root = session.bench.workspace
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def _new_name(session: Session) -> str:
    """Mostly of no file that is there."""
    return (
        _name(session)
        if session.rng.random() < 0.95 or not (there := _existing(session))
        else session.rng.choice(there)
    )


def _some_name(session: Session) -> str:
    """Mostly of a file that is there; else a slip of the pen, or of none."""
    rng, there = session.rng, _existing(session)
    kind = rng.random()
    if not there or kind < 0.08:
        return _name(session)
    if session.last_file in there and rng.random() < 0.5:
        return session.last_file
    file = rng.choice(there)
    if kind > 0.93:
        stem, _, suffix = file.rpartition(".")
        return rng.choice((f"{stem}.{'md' if suffix == 'txt' else 'txt'}", f"{stem}s.{suffix}", f"{stem}.{suffix}t"))
    return file


def _aim(session: Session, *, whole: bool = False) -> tuple[str, str]:
    """A file, and a line of it or a part of one that the user wants to change."""
    rng, file = session.rng, _some_name(session)
    path = session.bench.workspace / file
    lines = [line for line in path.read_text().split("\n") if line.strip()] if path.is_file() else []
    if not lines or rng.random() < 0.07:
        return file, _items(session, 1)[0]
    line = rng.choice(lines)
    inner = re.findall(r"\w[\w'-]*", line)
    if not whole and len(inner) > 1 and rng.random() < 0.5:
        return file, rng.choice(inner)
    return file, line.rstrip(".")


def _line(session: Session) -> str:
    """A line of a file that somebody else wrote."""
    rng = session.rng
    item = _items(session, 1)[0]
    kind = rng.random()
    if kind < 0.4:
        return item
    if kind < 0.55:
        return f"{item}, {rng.randint(1, 12)} {rng.choice(('litres', 'pieces', 'bags', 'kilos', 'boxes', 'times'))}"
    if kind < 0.65:
        return f"- {item}"
    if kind < 0.75:
        return f"{rng.randint(1, 20)} {item}"
    if kind < 0.9:
        return f"{session.words.common(rng)} {session.words.common(rng)} {item}"
    return f"{session.words.common(rng)} = {session.words.common(rng)}"


def _text(session: Session) -> str:
    """A line that the user dictates."""
    rng, words = session.rng, session.words
    kind = rng.random()
    if kind < 0.25:
        text = words.listed(rng, lists.LINES)
    elif kind < 0.5:
        text = words.phrase(rng, 2)
    elif kind < 0.65:
        text = words.listed(rng, lists.TASKS)
    elif kind < 0.9:
        text = " ".join(words.common(rng) for _ in range(rng.randint(2, 7)))
        text = text.capitalize() if rng.random() < 0.3 else text
    else:
        text = f"{words.name(rng)} {words.common(rng)}"
    return text.rstrip(".,")


def _items(session: Session, count: int) -> list[str]:
    """Short lines of one list, none twice."""
    rng, words = session.rng, session.words
    source = rng.choice((lists.GROCERIES, lists.GROCERIES, lists.TASKS, lists.NOUNS, lists.NAMES, lists.FOODS, None))
    found: list[str] = []
    while len(found) < count:
        made_up = source is None or words.is_made_up(rng)
        item = words.phrase(rng, 2) if made_up else words.listed(rng, source or ())
        if item not in found and " and " not in f" {item} ":
            found.append(item)
    return found


def _other(session: Session, old: str) -> str:
    while True:
        new = _items(session, 1)[0]
        if new != old:
            return new


def _listed(session: Session, items: list[str]) -> str:
    """Items as people write them one after the other."""
    if len(items) == 1:
        return items[0]
    ends = (" and ", " and ", " and ", ", ") if len(items) == 2 else (" and ", " and ", ", and ", ", ")
    return ", ".join(items[:-1]) + session.rng.choice(ends) + items[-1]
