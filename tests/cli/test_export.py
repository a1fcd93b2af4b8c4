"""`gptoss export` and `gptoss import`, as typed."""

import json
from pathlib import Path

import pytest

from gptoss.cli.formats import FORMATS
from tests.cli.conftest import Run, greeting


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_goes_to_standard_output_and_into_a_file(
    gptoss: Run, database: Path, tmp_path: Path, format: str
) -> None:
    printed = gptoss("export", "a", "--format", format)
    assert (printed.returncode, printed.stderr) == (0, "")
    file = tmp_path / "a.out"
    assert gptoss("export", "a", "--format", format, "-o", str(file)).returncode == 0
    assert file.read_text(encoding="utf-8") == printed.stdout
    assert "Hello!" in printed.stdout.replace('", "', "")


@pytest.mark.parametrize(
    ("name", "format"),
    [("y" + ending, format) for format, ending in FORMATS.items()]
    + [("Y.HTML", "html"), ("y.txt", "md"), ("y", "md"), ("y.html.old", "md")],
)
def test_without_a_format_the_ending_decides(
    gptoss: Run, database: Path, tmp_path: Path, name: str, format: str
) -> None:
    printed = gptoss("export", "a", "--format", format).stdout
    file = tmp_path / name
    for option in ("-o", "--output"):  # understood at a glance, and by the full command line
        assert gptoss("export", "a", option, str(file)).returncode == 0
        assert file.read_text(encoding="utf-8") == printed
        file.unlink()


def test_a_format_that_is_given_counts_more_than_the_ending(gptoss: Run, database: Path, tmp_path: Path) -> None:
    file = tmp_path / "y.html"
    for option in ("-o", "--output"):
        assert gptoss("export", "a", "--format", "json", option, str(file)).returncode == 0
        assert json.loads(file.read_text(encoding="utf-8"))["format"] == "gptoss-transcript"
    assert gptoss("export", "--all", "-o", str(tmp_path / "all.html")).returncode == 0
    assert [each.name for each in (tmp_path / "all.html").iterdir()] == ["a.md"]
    assert gptoss("export", "a", "--redact", "-o", str(tmp_path / "y.jsonl")).returncode == 2
    assert not (tmp_path / "y.jsonl").exists()


def test_a_branch_and_a_point(gptoss: Run, database: Path) -> None:
    gptoss("chat", "--session", "a", "Again", replies=[greeting("Hello again!")])
    assert gptoss("undo", "a").returncode == 0
    assert "Hello again!" not in gptoss("export", "a").stdout
    assert "Hello again!" in gptoss("export", "a", "--branch", "main").stdout
    assert "Hello!" not in gptoss("export", "a", "--branch", "main", "--until", "3").stdout
    assert "Hello again!" not in gptoss("export", "a", "--branch", "main", "--until", "t1").stdout
    archived = gptoss("export", "a", "--format", "jsonl", "--branch", "main", "--until", "t1").stdout
    assert "Hello again!" not in archived
    done = gptoss("import", "-", "--as", "first turn", piped=archived)
    assert done.returncode == 0, done.stderr
    assert gptoss("verify", "first turn").returncode == 0
    assert gptoss("export", "a", "--branch", "moon").returncode == 2


def test_without_reasoning_and_secrets(gptoss: Run, database: Path) -> None:
    gptoss("chat", "--session", "a", "My key is sk-" + "abcd" * 6, replies=[greeting("I, grace, see /home/grace.")])
    assert "The user speaks." in gptoss("export", "a").stdout
    assert "The user speaks." not in gptoss("export", "a", "--no-reasoning").stdout
    for format in FORMATS:
        done = gptoss("export", "a", "--redact", "--format", format)
        if format == "jsonl":
            assert done.returncode == 2
            continue
        assert done.returncode == 0
        assert "abcdabcd" not in done.stdout
        assert "grace" not in done.stdout
        assert "API key sk-a… (27 characters)" in done.stderr
    assert gptoss("export", "a", "--no-reasoning", "--format", "harmony").returncode == 2


def test_all_sessions(gptoss: Run, database: Path, tmp_path: Path) -> None:
    gptoss("chat", "--session", "a/b", "Hi", replies=[greeting("One")])
    gptoss("chat", "--session", "a_b", "Hi", replies=[greeting("Two")])
    assert gptoss("export", "--all", "-o", str(tmp_path / "out")).returncode == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.md", "a_b-2.md", "a_b.md"]
    archive = tmp_path / "all.jsonl"
    archive.write_text(gptoss("export", "--all", "--format", "jsonl").stdout, encoding="utf-8")
    done = gptoss("import", str(archive), "--db", str(tmp_path / "other.db"))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 3)
    again = gptoss("export", "--all", "--format", "jsonl", "--db", str(tmp_path / "other.db")).stdout
    assert sorted(again.splitlines()) == sorted(archive.read_text(encoding="utf-8").splitlines())
    for wrong in (
        ["export"],
        ["export", "--all"],
        ["export", "a", "--all", "-o", "x"],
        ["export", "--all", "--until", "3"],
    ):
        assert gptoss(*wrong).returncode == 2


def test_a_session_comes_back(gptoss: Run, database: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.jsonl"
    assert gptoss("export", "a", "--format", "jsonl", "-o", str(archive)).returncode == 0
    clash = gptoss("import", str(archive))
    assert (clash.returncode, "--as NAME" in clash.stderr) == (2, True)
    copied = gptoss("import", str(archive), "--as", "b")
    assert "as a copy" in copied.stdout
    original, copy = gptoss("export", "a").stdout, gptoss("export", "b").stdout
    assert copy.replace("# b", "# a") == f"{original}\n*(the session was renamed to b)*\n"
    assert gptoss("verify").returncode == 0
    gptoss("sessions", "delete", "a", "--yes")
    assert "as a copy" not in gptoss("import", str(archive)).stdout
    assert gptoss("export", "a", "--format", "jsonl").stdout == archive.read_text(encoding="utf-8")
    on = gptoss("chat", "--session", "a", "On", replies=[greeting("And on")])
    assert on.stdout.strip() == "And on"


@pytest.fixture
def folder(gptoss: Run, database: Path, tmp_path: Path) -> Path:
    """What `export --all --format jsonl` makes of the sessions a, b and c, and beside it what is no archive."""
    for name in ("b", "c"):
        gptoss("chat", "--session", name, "Hi", replies=[greeting("Hello!")])
    folder = tmp_path / "all"
    assert gptoss("export", "--all", "--format", "jsonl", "-o", str(folder)).returncode == 0
    (folder / "notes.txt").write_text("Not an archive.")
    (folder / "old.jsonl").mkdir()
    return folder


def test_a_folder_of_archives_comes_back(gptoss: Run, folder: Path, tmp_path: Path) -> None:
    other = ["--db", str(tmp_path / "other.db")]
    done = gptoss("import", str(folder), *other)
    assert (done.returncode, done.stderr) == (0, "")
    said = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert said == [f"Imported {name} from {folder / name}.jsonl" for name in "abc"]
    for name in "abc":
        again = gptoss("export", name, "--format", "jsonl", *other).stdout
        assert again == (folder / f"{name}.jsonl").read_text(encoding="utf-8")


def test_several_files_and_one_of_them_refused(gptoss: Run, folder: Path, tmp_path: Path) -> None:
    """One session is here already, one file is no archive, and one is not there."""
    other = ["--db", str(tmp_path / "other.db")]
    a, b, c = (str(folder / f"{name}.jsonl") for name in "abc")
    assert gptoss("import", b, a, *other).stdout.count("Imported") == 2
    (folder / "bad.jsonl").write_text("{\n")
    done = gptoss("import", b, str(folder / "bad.jsonl"), str(tmp_path / "none.jsonl"), c, *other)
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [f"Imported c from {c}"]
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"gptoss: {b}: there is a session 'b' already")
    assert lines[1].startswith(f"gptoss: {folder}/bad.jsonl: line 2: ")
    assert lines[2].startswith(f"gptoss: cannot read {tmp_path}/none.jsonl: ")
    assert lines[3] == "gptoss: nothing was imported from 3 of 4 files"
    assert len(json.loads(gptoss("sessions", "list", "--json", *other).stdout)) == 3


def test_folders_and_files_that_cannot_be_imported(gptoss: Run, folder: Path, tmp_path: Path) -> None:
    other = ["--db", str(tmp_path / "other.db")]
    empty = tmp_path / "empty"
    empty.mkdir()
    for files in ([str(empty)], [str(folder), str(empty)]):
        done = gptoss("import", *files, *other)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert f"no archive (*.jsonl) in the folder {empty}" in done.stderr
    named = gptoss("import", str(folder), "--as", "copy", *other)
    assert (named.returncode, named.stdout) == (2, "")
    assert "--as can name only one" in named.stderr
    assert gptoss("sessions", "list", "--json", *other).stdout == "[]\n"
    for name in ("b.jsonl", "c.jsonl"):
        (folder / name).unlink()
    alone = gptoss("import", str(folder), "--as", "copy", *other)
    assert alone.stdout.startswith("Imported copy: ")


def test_a_bad_archive_leaves_nothing_behind(gptoss: Run, database: Path) -> None:
    lines = gptoss("export", "a", "--format", "jsonl").stdout.splitlines(keepends=True)
    for number, bad in ((3, lines[2].replace("Hi", "Ho")), (4, "{\n"), (5, "")):
        text = "".join([*lines[: number - 1], bad, *lines[number:]])
        done = gptoss("import", "-", "--as", "b", piped=text)
        assert done.returncode == 1
        assert f"line {number}: " in done.stderr or (not bad and "1 of its lines are missing" in done.stderr)
        assert "nothing was imported" in done.stderr
        assert done.stderr.count("\n") == 1
    assert gptoss("sessions", "show", "b").returncode == 2


def test_messages_of_other_programs(gptoss: Run, tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    file.write_text(json.dumps([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]))
    assert gptoss("import", str(file)).returncode == 0
    assert json.loads(gptoss("export", "chat", "--format", "openai").stdout) == json.loads(file.read_text())
    on = gptoss("chat", "--session", "chat", "On", replies=[greeting("And on")])
    assert on.stdout.strip() == "And on"
    assert gptoss("verify", "chat").returncode == 0
    transcript = gptoss("export", "chat", "--format", "json").stdout
    assert gptoss("import", "-", "--as", "again", piped=transcript).returncode == 0
    again = gptoss("export", "again", "--format", "json").stdout
    keys = ("role", "channel", "recipient", "content")
    mine, its = ([[m.get(k) for k in keys] for m in json.loads(t)["messages"]] for t in (transcript, again))
    assert mine == its
    assert gptoss("import", "-", piped='{"format": "gptoss-transcript", "messages": 3}').returncode == 1
    missing = gptoss("import", str(tmp_path / "none.json"))
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
