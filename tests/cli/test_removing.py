"""`gptoss redact`, `gc` and `sessions delete` over what chats have left."""

import json
from pathlib import Path

from gptoss.cli.sizes import size
from tests.cli.conftest import Run, greeting


def test_redact(gptoss: Run, tmp_path: Path) -> None:
    gptoss("chat", "--session", "a", "My key is xylophone.", replies=[greeting("Noted: xylophone.")])
    assert gptoss("redact", "a", "--at", "2").returncode == 2  # nobody to ask
    done = gptoss("redact", "a", "--at", "2", "--yes", "--reason", "a key")
    assert done.stdout.splitlines()[0] == "event 2 (MessageAppended) is redacted"
    found = json.loads(gptoss("search", "xylophone", "--json").stdout)
    again = gptoss("redact", "a", "--at", str(found["seq"]), "--yes")
    assert "TokensSampled" in again.stdout
    assert gptoss("search", "xylophone").returncode == 1
    assert "xylophone" not in gptoss("export", "a", "--format", "json").stdout
    assert "[redacted]" in gptoss("export", "a").stdout
    assert "event 2 was redacted: a key" in gptoss("export", "a").stdout
    assert gptoss("verify", "a").returncode == 0
    assert b"xylophone" not in (tmp_path / "home" / "gptoss.db").read_bytes()
    assert gptoss("chat", "--session", "a", "And now?", replies=[greeting("Fine.")]).stdout == "Fine.\n"
    assert gptoss("redact", "a", "--at", "1", "--yes").returncode == 2
    assert gptoss("redact", "a", "--at", "99", "--yes").returncode == 2


def test_gc(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "Hello", replies=[greeting("Hi.")])
    for arguments in (["gc"], ["gc", "--full"]):
        done = gptoss(*arguments)
        assert done.returncode == 0
        assert "were freed; the database takes" in done.stdout
    assert gptoss("export", "a").returncode == 0


def test_delete_says_what_it_did(gptoss: Run, tmp_path: Path) -> None:
    gptoss("chat", "--session", "a", "Hello " * 5000, replies=[greeting("Hi.")])
    backup = tmp_path / "home" / "gptoss.db.schema-0001.backup"
    backup.touch()
    done = gptoss("sessions", "delete", "a", "--yes")
    assert done.stdout.startswith("Session a is deleted for good; that freed ")
    assert str(backup) in done.stdout.replace("\n", "")


def test_sizes() -> None:
    assert [size(n) for n in (0, 999, 1000, 1_550_000, 12_345_678_901_234)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "1.6 MB",
        "12,345.7 GB",
    ]
