"""Random edit scripts give exactly the edited files; mutated patches do no harm."""

import random
import string
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gptoss.tools.apply_patch.record import take_back
from tests.contracts.tool import Blobs
from tests.tools.apply_patch.workspaces import apply, contents, patch, record_of, tree, write

# At the beginning of a file, U+FEFF is its byte order mark, which stays whatever a patch says.
TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r\0\ufeff"), max_size=12)
CHANGE = st.sampled_from(["keep", "keep", "keep", "drop", "replace", "insert"])


class Script:
    """One file and what happens to it: each line of the file is kept, dropped, replaced or has a line put before it."""

    def __init__(self, name: str, lines: list[str], changes: list[str], new: list[str], end: str, whole: bool) -> None:
        self.name = name
        self.ends = [end] * len(lines)
        if lines and lines[-1] and not whole:
            self.ends[-1] = ""
            end = end if len(lines) > 1 else "\n"
        self.before = "".join(line + own for line, own in zip(lines, self.ends, strict=True))
        self.hunk: list[str] = []
        after: list[tuple[str, str]] = []
        for index, (line, change) in enumerate(zip(lines, changes, strict=True)):
            if change in ("insert", "replace"):
                self.hunk.append("+" + new[index])
                after.append((new[index], end))
            self.hunk.append((" " if change in ("keep", "insert") else "-") + line)
            if change in ("keep", "insert"):
                after.append((line, self.ends[index]))
        self.after = "".join(line + own for line, own in after)

    @property
    def changes(self) -> bool:
        return any(not line.startswith(" ") for line in self.hunk)


@st.composite
def scripts(draw: st.DrawFn, name: str, *, distinct: bool) -> Script:
    lines = draw(st.lists(TEXT, max_size=15))
    if distinct:
        # No line is found at any level of matching but in its own place.
        lines = [f"{number}|{line}|" for number, line in enumerate(lines)]
    changes = draw(st.lists(CHANGE, min_size=len(lines), max_size=len(lines)))
    new = draw(st.lists(TEXT, min_size=len(lines), max_size=len(lines)))
    return Script(name, lines, changes, new, draw(st.sampled_from(["\n", "\r\n"])), draw(st.booleans()))


def hunks(script: Script, context: int) -> list[str]:
    """The script as hunks with so many lines of context, as a diff program writes them."""
    changed = [index for index, line in enumerate(script.hunk) if not line.startswith(" ")]
    shown = {near for index in changed for near in range(index - context, index + context + 1)}
    lines: list[str] = []
    for index, line in enumerate(script.hunk):
        if index in shown:
            if index - 1 not in shown or index == 0:
                lines.append("@@")
            lines.append(line)
    return lines


@settings(max_examples=60)
@given(st.data())
def test_a_random_edit_script_gives_exactly_the_edited_files(data: st.DataObject) -> None:
    """Hunks with context in files whose lines differ: several files, several hunks each, moved, added, deleted."""
    several = [data.draw(scripts(f"dir{number}/f{number}.txt", distinct=True)) for number in range(3)]
    context = data.draw(st.integers(1, 4))
    sections: list[str] = []
    expected: dict[str, bytes] = {}
    for script in several:
        # A hunk of new lines alone says nothing of its place: give it a line that stays.
        changed = script.changes and all(_anchored(hunk) for hunk in _split(hunks(script, context)))
        moved = data.draw(st.booleans())
        if changed or moved:
            sections += [f"*** Update File: {script.name}"] + [f"*** Move to: {script.name}.moved"] * moved
            sections += hunks(script, context) if changed else []
        expected[script.name + ".moved" * moved] = (script.after if changed else script.before).encode()
    new = data.draw(st.lists(TEXT, max_size=4))
    sections += ["*** Add File: new.txt", *(f"+{line}" for line in new), "*** Delete File: gone.txt"]
    expected["new.txt"] = "".join(f"{line}\n" for line in new).encode()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, {script.name: script.before for script in several} | {"gone.txt": "x\n"})
        before, blobs = contents(root), Blobs()
        result = apply(root, patch(*sections), blobs)
        assert result.outcome == "ok", result.messages[0].content
        assert contents(root) == expected
        take_back(record_of(result, blobs), root)
        assert contents(root) == before


@given(scripts("f.txt", distinct=False))
def test_lines_that_repeat_are_edited_in_their_own_place(script: Script) -> None:
    """Any text, blank and repeated lines included, with the whole file as context."""
    if not script.changes or not _anchored(script.hunk):
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, {"f.txt": script.before})
        result = apply(root, patch("*** Update File: f.txt", "@@", *script.hunk))
        assert result.outcome == "ok", result.messages[0].content
        assert contents(root) == {"f.txt": script.after.encode()}


def _split(lines: list[str]) -> list[list[str]]:
    split: list[list[str]] = []
    for line in lines:
        if line == "@@":
            split.append([])
        else:
            split[-1].append(line)
    return split


def _anchored(hunk: list[str]) -> bool:
    return any(not line.startswith("+") for line in hunk)


GOOD = patch(
    "*** Update File: a.txt",
    "@@ two",
    " three",
    "-four",
    "+4",
    "@@",
    "-six",
    "*** End of File",
    "*** Add File: sub/new.txt",
    "+hello",
    "*** Delete File: sub/old.txt",
    "*** Update File: b.txt",
    "*** Move to: c.txt",
    "@@",
    "-b",
    "+c",
).split("\n")
PATHS = ("../secret.txt", "/etc/passwd", "out/secret.txt", "link.txt", "sub", ".git/config", "a.txt", "", "sub/old.txt")


def mutated(rng: random.Random) -> str:
    """A good patch with some damage: lines lost, doubled, swapped, cut, altered, or paths that should not be."""
    lines = list(GOOD)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        match rng.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[at])
            case 2:
                other = rng.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
            case 4:
                place = rng.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:place] + rng.choice(string.printable + "\u2028é\ud800") + lines[at][place:]
            case 5 | 6:
                headers = [index for index, line in enumerate(lines) if ": " in line]
                if headers:
                    chosen = rng.choice(headers)
                    lines[chosen] = lines[chosen].partition(": ")[0] + ": " + rng.choice(PATHS)
            case 7:
                lines = lines[: at + 1]
        lines = lines or [""]
    return "\n".join(lines)


def test_500_mutated_patches_never_crash_nor_leave_nor_half_apply(tmp_path: Path) -> None:
    files = {
        "a.txt": "one\ntwo\nthree\nfour\nfive\nsix\n",
        "b.txt": "b\n",
        "sub/old.txt": "old\n",
        ".git/config": "x\n",
    }
    write(tmp_path, {"secret.txt": "secret\n"})
    root = tmp_path / "work"
    write(root, files)
    (root / "out").symlink_to("..")
    (root / "link.txt").symlink_to("../secret.txt")
    before, outside = tree(root), tree(tmp_path).keys() - {f"work/{path}" for path in tree(root)}
    outcomes = {"ok": 0, "error": 0}
    for seed in range(500):
        argument, blobs = mutated(random.Random(seed)), Blobs()
        result = apply(root, argument, blobs)
        outcomes[result.outcome] += 1
        if result.outcome == "ok" and result.artefacts:
            assert tree(root) != before
            take_back(record_of(result, blobs), root)
            for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
                if not any(folder.iterdir()):
                    folder.rmdir()
        assert tree(root) == before, argument
        assert tree(tmp_path).keys() - {f"work/{path}" for path in before} == outside, argument
        assert (tmp_path / "secret.txt").read_text() == "secret\n"
    # The damage is neither always harmless nor always fatal.
    assert min(outcomes.values()) > 20
