"""Every command in the documentation does what that says; `tests.docs.blocks` tells how commands are written."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from gptoss.backends.demo.materialise import materialise
from gptoss.engine.harmony import Harmony
from gptoss.engine.vocabulary import VARIABLE
from tests.cli.terminals import CTRL_C, CTRL_D, ENTER, PROMPT, plain
from tests.docs.blocks import PAGES, REASONS, ROOT, Block, blocks
from tests.docs.ready import write_client

NOTES = "# Rowing\n\nA dragon boat is twelve metres long.\n\nIt has a crew of twenty-two.\n"
ANSWERS = {
    r"\[y/N\] ": "y" + ENTER,
    r"q leave": "q",
    r"Ctrl-C ends it": CTRL_C,
}
"""What a reader answers to what the program asks or says. A chat that waits for a message gets one, and then Ctrl-D."""

LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")


@pytest.fixture(scope="module")
def programs(harmony: Harmony, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a `gptoss` that is loaded already."""
    with tempfile.TemporaryDirectory(prefix="docs") as folder:
        address = f"{folder}/socket"
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.docs.ready", address],
            cwd=ROOT,
            env=os.environ | {VARIABLE: str(tmp_path_factory.getbasetemp() / "cache" / "vocabulary")},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        write_client(Path(folder), address)
        yield Path(folder)
        os.killpg(server.pid, signal.SIGKILL)
        server.communicate()


@pytest.fixture
def reader(programs: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody who reads one page, in a folder with a few files; the model is unpacked already."""
    cache = tmp_path_factory.getbasetemp() / "cache"
    materialise(cache)
    home, folder = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    (home / "cache").symlink_to(cache)
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "rowing.md").write_text(NOTES)
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text("def greet():\n    print('hello')\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GPTOSS_", "EXA_", "VLLM_"))}
    return kept | {
        VARIABLE: str(cache / "vocabulary"),
        "GPTOSS_HOME": str(home),
        "HOME": str(folder),
        "PWD": str(folder),
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_works(page: Path, reader: dict[str, str]) -> None:
    for block in blocks(page):
        if block.missing is not None:
            assert block.missing in REASONS, f"{block.name}: {block.missing!r} is no reason that is known"
            continue
        if block.before:
            _script(block.before, reader, f"{block.name}, before it")
        if block.language == "console":
            _compare(block, reader)
        else:
            _at_a_terminal(block, reader)


def _script(text: str, reader: dict[str, str], name: str) -> str:
    """What a script prints; one that fails is an AssertionError."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        env=reader,
        cwd=reader["PWD"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{name}: exit {done.returncode}\n{text}\n{done.stdout}{done.stderr}"
    return done.stdout


def _compare(block: Block, reader: dict[str, str]) -> None:
    for command, expected in block.commands():
        printed = _script(command, reader, block.name)
        pattern = ".*".join(re.escape(part.strip()) for part in expected.split("…"))
        assert re.fullmatch(pattern, printed.strip(), re.S), (
            f"{block.name}: {command}\nprints\n{printed}\nnot\n{expected}"
        )


def _at_a_terminal(block: Block, reader: dict[str, str]) -> None:
    # What is ended by Ctrl-C has done what it should.
    script = f'gptoss() {{ command gptoss "$@" || {{ code=$?; [ $code = 130 ] || return $code; }}; }}\n{block.text}'
    child: pexpect.spawn[str] = pexpect.spawn(
        "bash",
        ["-euo", "pipefail", "-c", script],
        env=reader,
        cwd=reader["PWD"],
        encoding="utf-8",
        timeout=120,
        dimensions=(30, 100),
    )
    answers = ANSWERS | ({re.escape(block.until): CTRL_C} if block.until else {})
    shown, said = "", False
    while (which := child.expect([pexpect.EOF, re.escape(PROMPT), *answers])) != 0:
        shown += f"{child.before}{child.after}"
        if which == 1:
            child.send(CTRL_D if said else "Hello." + ENTER)
            said = not said
            continue
        met = list(answers)[which - 2]
        child.send(answers[met])
        if met not in ANSWERS:
            del answers[met]
    child.close()
    assert child.exitstatus == 0, f"{block.name}: exit {child.exitstatus}\n{plain(shown + str(child.before))}"


def test_every_link_leads_somewhere() -> None:
    for page in (*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "demo_model" / "README.md"):
        for target, anchor in LINK.findall(page.read_text()):
            file = (page.parent / target).resolve() if target else page
            assert file.exists(), f"{page.name} links to {target}"
            if anchor and file.suffix == ".md":
                headings = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
                anchors = {"#" + re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
                assert anchor in anchors, f"{page.name} links to {target}{anchor}"


def test_every_page_can_be_reached_from_the_index() -> None:
    pages = set((ROOT / "docs").rglob("*.md"))
    found, new = set(), {ROOT / "docs" / "index.md"}
    while new:
        found |= new
        targets = {(page.parent / target).resolve() for page in new for target, _ in LINK.findall(page.read_text())}
        new = (targets & pages) - found
    assert found == pages


def test_commands_are_never_hidden_in_an_indented_block() -> None:
    for page in PAGES:
        shown = re.sub(r"<!--.*?-->", "", page.read_text(), flags=re.S)
        hidden = re.findall(r"^    (?:\$ )?(?:gptoss|pip|make) .*$", shown, re.M)
        assert not hidden, f"{page.name}: {hidden[0].strip()} is in no block that this test would run"
