"""The database opens in datasette, a program that knows nothing of ours, as docs/events.md says."""

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gptoss.engine.harmony import Harmony
from gptoss.storage.sql import SqlLog
from gptoss.transcripts.archive import archive, read_archive
from tests.recorded import ANSWER, CALL, RESULT, Recording

DOCS = Path(__file__).parents[2] / "docs" / "events.md"

pytest.importorskip("datasette", reason="datasette is not installed")


@pytest.fixture(scope="module")
def database(harmony: Harmony, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with a tool call, in a file."""
    recording = Recording(harmony, [CALL, RESULT, ANSWER])
    conversation = recording.open()
    for text in ("Add 1 and 1", "Hello"):
        list(conversation.say(text))
    conversation.close()
    file = tmp_path_factory.mktemp("datasette") / "gptoss.db"
    lines = (line.encode() for line in archive(recording.log, recording.session))
    with closing(SqlLog(file)) as log:
        log.restore([session.records for session in read_archive(lines)])
    return file


def get(database: Path, path: str, **query: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "datasette", str(database), "--get", f"/gptoss{path}.json?{urlencode(query)}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_tables_are_there_with_all_rows(database: Path) -> None:
    tables = {table["name"]: table["count"] for table in get(database, "")["tables"]}
    assert (tables["sessions"], tables["branches"]) == (1, 1)
    facets = get(database, "/events", _facet="kind", _size=0)["facet_results"]["kind"]["results"]
    counts = {facet["value"]: facet["count"] for facet in facets}
    assert (counts["SessionStarted"], counts["GenerationStarted"], counts["ToolCalled"]) == (1, 3, 1)
    assert sum(counts.values()) == tables["events"]


def test_the_documented_question_is_answered(database: Path) -> None:
    """What was said, in order, out of the payloads."""
    found = re.search(r"```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    rows = get(database, "", sql=found[1], _shape="objects")["rows"]
    said = [(row["role"], row["text"]) for row in rows]
    assert said[0] == ("user", "Add 1 and 1")
    assert said[-1] == ("assistant", "Hello there!")
    assert ("assistant", "print(1 + 1)") in said
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
