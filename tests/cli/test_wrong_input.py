"""Whatever is wrong, the user gets one sentence and the right exit code, and nothing is lost."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Result, Run, greeting

HELLO = greeting("Hello!")
IS_ROOT = os.geteuid() == 0


def one_sentence(done: Result) -> str:
    """What standard error says, when that is one line of ours and nothing went to standard output."""
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("gptoss: ")
    assert "Traceback" not in lines[0]
    return lines[0]


def test_a_checkpoint_that_is_not_there(gptoss: Run) -> None:
    done = gptoss("chat", "--checkpoint", "/nowhere/20b", "Hi")
    assert done.returncode == 3
    assert "/nowhere/20b" in one_sentence(done)


@pytest.mark.parametrize("word", ["models/20b", "20b.safetensors"])
def test_a_word_that_looks_like_a_path(gptoss: Run, word: str) -> None:
    done = gptoss("chat", word)
    assert done.returncode == 3
    assert f"there is no checkpoint at {word}" in one_sentence(done)


def test_a_file_that_is_no_checkpoint(environment: dict[str, str], tmp_path: Path) -> None:
    """With the real backends."""
    file = tmp_path / "notes.txt"
    file.write_text("Not a model.")
    folder = tmp_path / "folder"
    folder.mkdir()
    for checkpoint in (file, folder):
        done = subprocess.run(
            [sys.executable, "-m", "gptoss", "chat", str(checkpoint), "Hi"],
            env=environment,
            input="",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 3
        assert f"{checkpoint} is not a checkpoint" in one_sentence(done)
    assert not list((tmp_path / "home").glob("cache/*demo*"))


def test_a_backend_that_is_not_there(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gptoss", "chat", str(tmp_path), "--backend", "abacus", "Hi"],
        env=environment,
        input="",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3
    assert "abacus" in one_sentence(done)


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[2J", "-a", "x" * 101])
def test_an_odd_session_name(gptoss: Run, name: str) -> None:
    done = gptoss("chat", f"--session={name}", "Hi", replies=[HELLO])
    assert done.returncode == 2
    assert "a session name" in one_sentence(done)
    assert gptoss("sessions", "list", "--json").stdout == "[]\n"


@pytest.mark.parametrize("name", ["Ada's notes", "会議/../3", "*", "a b; c", "%00", "👩‍💻"])
def test_a_name_may_be_any_printable_text(gptoss: Run, name: str) -> None:
    assert gptoss("chat", "--session", name, "Hi", replies=[HELLO]).stdout == "Hello!\n"
    assert name in gptoss("sessions", "list").stdout
    assert gptoss("export", name).stdout.count("Hello!") == 1


def test_a_session_that_is_not_there(gptoss: Run) -> None:
    for command in (["export"], ["replay"], ["sessions", "show"], ["sessions", "delete", "--yes"]):
        done = gptoss(*command, "nobody")
        assert done.returncode == 2
        assert "there is no session 'nobody'" in one_sentence(done)
    done = gptoss("chat", "--session", "nobody")
    assert done.returncode == 2
    assert "there is no session 'nobody'" in one_sentence(done)


@pytest.mark.parametrize(
    "arguments",
    [
        ["chat", "--temperature", "hot", "Hi"],
        ["chat", "--temperature", "-1", "Hi"],
        ["chat", "--context", "0", "Hi"],
        ["chat", "-r", "extreme", "Hi"],
        ["chat", "--nonsense"],
        ["chat", "Tell", "me"],
        ["chat", "Tell", "me", "a", "story"],
        ["chat", ""],
        ["chat"],
        ["nonsense"],
        ["export"],
        ["export", "a", "--format", "pdf"],
        ["replay", "a", "--speed", "-1"],
        ["replay", "a", "--until", "0"],
        ["sessions", "rename", "a"],
        ["sessions", "delete", "a"],
    ],
)
def test_wrong_usage(database: Path, gptoss: Run, arguments: list[str]) -> None:
    done = gptoss(*arguments, replies=[HELLO])
    assert done.returncode == 2
    one_sentence(done)


def test_a_database_that_is_corrupt(database: Path, gptoss: Run) -> None:
    data = bytearray(database.read_bytes())
    data[100:4000] = os.urandom(3900)
    database.write_bytes(data)
    for arguments in (["sessions", "list"], ["export", "a"], ["chat", "--session", "a", "Hi"]):
        done = gptoss(*arguments, replies=[HELLO])
        assert done.returncode == 1
        assert str(database) in one_sentence(done)
    assert database.read_bytes() == data


def test_a_file_that_is_no_database(gptoss: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Not a database. " * 100)
    for arguments in (["sessions", "list"], ["chat", "Hi"]):
        done = gptoss(*arguments, "--db", str(file), replies=[HELLO])
        assert done.returncode == 1
        assert f"{file} is not a gptoss database" in one_sentence(done)
    assert file.read_text() == "Not a database. " * 100


def test_a_database_whose_payload_was_altered(database: Path, gptoss: Run) -> None:
    connection = sqlite3.connect(database)
    connection.execute("UPDATE events SET payload = replace(payload, 'Hello', 'Hallo')")
    connection.commit()
    connection.close()
    done = gptoss("export", "a")
    assert done.returncode == 1
    assert "is not as it was written" in one_sentence(done)


def test_a_database_that_is_locked(database: Path, gptoss: Run) -> None:
    """By a program that does not give way; it is waited for a while first."""
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        done = gptoss("chat", "--session", "a", "Hi", replies=[HELLO])
        assert done.returncode == 1
        assert "in use by another program" in one_sentence(done)
        assert "Hello!" in gptoss("export", "a").stdout  # reading goes on
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert gptoss("chat", "--session", "a", "Hi", replies=[HELLO]).stdout == "Hello!\n"


@pytest.mark.skipif(IS_ROOT, reason="nothing is read-only for root")
def test_a_database_that_is_read_only(database: Path, gptoss: Run) -> None:
    database.chmod(0o444)
    database.parent.chmod(0o555)
    try:
        done = gptoss("chat", "--session", "a", "Hi", replies=[HELLO])
        assert done.returncode == 1
        assert "cannot be written" in one_sentence(done)
        assert "Hello!" in gptoss("export", "a").stdout
    finally:
        database.parent.chmod(0o755)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_read_only(database: Path, gptoss: Run, tiny_disk: Path) -> None:
    copy = tiny_disk / "gptoss.db"
    shutil.copy(database, copy)
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    done = gptoss("chat", "--db", str(copy), "--session", "a", "Hi", replies=[HELLO])
    assert done.returncode == 1
    assert "cannot be written" in one_sentence(done)
    assert "Hello!" in gptoss("export", "a", "--db", str(copy)).stdout


def test_a_disk_that_is_full(gptoss: Run, tiny_disk: Path) -> None:
    """What was said before the disk was full stays, and the session goes on when there is room again."""
    url = ["--db", str(tiny_disk / "gptoss.db")]
    assert gptoss("chat", *url, "--session", "a", "Hi", replies=[HELLO]).returncode == 0
    ballast = tiny_disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        ballast.write_bytes(bytes(1 << 20))
    done = gptoss("chat", *url, "--session", "a", "word " * 5000, replies=[HELLO])
    assert done.returncode == 1
    assert "full" in one_sentence(done)
    assert "Hello!" in gptoss("export", "a", *url).stdout
    ballast.unlink()
    assert gptoss("chat", *url, "--session", "a", "Again", replies=[greeting("Back.")]).stdout == "Back.\n"
    assert "Back." in gptoss("export", "a", *url).stdout


def test_an_export_that_cannot_be_written(database: Path, gptoss: Run, tmp_path: Path) -> None:
    done = gptoss("export", "a", "-o", str(tmp_path / "no" / "folder.md"))
    assert done.returncode == 1
    assert "No such file or directory" in one_sentence(done)


def test_only_debug_shows_a_traceback(gptoss: Run) -> None:
    done = gptoss("export", "nobody", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("gptoss: there is no session 'nobody'")
