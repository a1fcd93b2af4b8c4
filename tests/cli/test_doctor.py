"""`gptoss doctor` on sound and on damaged databases."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gptoss.cli.bootstrap import Adapters
from gptoss.storage import health
from tests.cli.conftest import Run
from tests.storage.test_integrity import tamper


def findings(gptoss: Run, *options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and what was found by what was looked at."""
    done = gptoss("doctor", "--json", *options)
    lines = [json.loads(line) for line in done.stdout.splitlines() if "what" in line]
    return done.returncode, {line["what"]: (line["state"], line["detail"]) for line in lines}


def test_a_fresh_machine_is_well_and_looking_creates_nothing(gptoss: Run, tmp_path: Path) -> None:
    code, found = findings(gptoss)
    assert code == 0, found
    assert found["database"][1].endswith("(not there yet)")
    assert not (tmp_path / "home" / "gptoss.db").exists()
    assert {
        "gptoss",
        "SQLite",
        "data",
        "cache",
        "vocabulary",
        "torch",
        "triton",
        "vllm",
        "GPU",
        "kernels",
        "sandbox",
    } <= set(found)


def test_the_absence_of_kernels_is_no_problem(gptoss: Run, environment: dict[str, str]) -> None:
    environment["GPTOSS_KERNELS"] = "none"
    code, found = findings(gptoss)
    assert code == 0
    assert found["kernels"] == (
        "warning",
        'models run slower on the CPU, on PyTorch alone: GPTOSS_KERNELS is "none"',
    )


def test_a_sound_database(gptoss: Run, database: Path) -> None:
    database.parent.chmod(0o700)
    code, found = findings(gptoss)
    assert code == 0, found
    assert "1 sessions, schema 0002, journal wal" in found["database"][1]
    assert found["integrity"][0] == "ok"
    assert found["data"][0] == "ok"
    shown = gptoss("doctor").stdout
    assert "integrity   sound" in shown
    assert "\n\n" not in shown


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sessions SET name = 'eve'",
        "UPDATE branches SET preview = 'eve'",
        "UPDATE events SET payload = replace(payload, 'Hi', 'Ho') WHERE seq = 2",  # and so not what was indexed
    ],
)
def test_what_can_be_computed_again_is_repaired(gptoss: Run, database: Path, statement: str) -> None:
    gptoss("search", "hi")
    assert tamper(database, statement) == 1
    code, found = findings(gptoss)
    assert code == 1
    assert "doctor --repair" in found["integrity"][1]
    repaired = gptoss("doctor", "--repair")
    if "events" in statement:  # nothing is computed from events that are damaged
        assert (repaired.returncode, "event 2 of session 'a'" in repaired.stderr) == (1, True)
    else:
        assert repaired.returncode == 0
        assert findings(gptoss)[0] == 0


def test_a_file_that_sqlite_cannot_read(gptoss: Run, database: Path) -> None:
    damaged = bytearray(database.read_bytes())
    damaged[4096:] = bytes(len(damaged) - 4096)
    database.write_bytes(damaged)
    code, found = findings(gptoss)
    assert code == 1
    assert any(state == "problem" for state, _ in found.values())


def test_a_newer_schema(gptoss: Run, database: Path) -> None:
    tamper(database, "UPDATE alembic_version SET version_num = '0999'")
    code, found = findings(gptoss)
    assert code == 1
    assert "newer gptoss" in found["database"][1]


def test_it_tells_no_password(gptoss: Run, environment: dict[str, str]) -> None:
    environment["GPTOSS_DATABASE_URL"] = "postgresql://ada:secret@nobody.invalid/chat"
    done = gptoss("doctor")
    assert done.returncode == 1
    assert "ada:***@nobody.invalid" in done.stdout
    assert "secret" not in done.stdout + done.stderr


def test_others_may_read_the_data(gptoss: Run, database: Path) -> None:
    database.parent.chmod(0o755)
    code, found = findings(gptoss)
    assert (code, found["data"][0]) == (0, "warning")


@pytest.mark.parametrize(
    ("version", "bad"), [("3.6.23", False), ("3.7.0", True), ("3.40.1", True), ("3.51.2", True), ("3.51.3", False)]
)
def test_known_bad_versions_of_sqlite(monkeypatch: pytest.MonkeyPatch, version: str, bad: bool) -> None:
    monkeypatch.setattr(health.dbapi, "sqlite_version", version)
    library = Adapters().sqlite()
    assert (library.version, library.resets_wal_badly) == (version, bad)


def test_it_imports_no_torch(environment: dict[str, str]) -> None:
    code = "import sys; from gptoss.cli.main import run; run(['doctor']); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
