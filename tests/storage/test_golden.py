"""What earlier releases wrote is read, means the same and goes on, for ever (`tests.histories.make` recorded it).

Each folder is what one release, or one schema, wrote. A test here that fails is no reason to record anew: it is the
reason why it is there.
"""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gptoss.engine.errors import DatabaseCorrupt
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import EventLog
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.engine.verification import verify
from gptoss.storage.memory import MemoryLog
from gptoss.storage.opening import open_for_reading, open_log
from gptoss.storage.schema import REVISION
from gptoss.transcripts.archive import read_archive
from tests.contracts.event_log import says
from tests.histories.facts import digest

FOLDER = Path(__file__).parents[1] / "histories"
WHOLE = sorted(FOLDER.glob("*/whole.db"))
ARCHIVES = sorted(FOLDER.glob("*/whole.jsonl"))


def facts(file: Path) -> Any:
    return json.loads((file.parent / "facts.json").read_text())[file.stem]


def found(log: EventLog) -> dict[str, str]:
    (session,) = log.sessions()
    return {branch.name: digest(log.read(branch.id)) for branch in log.branches(session.id)}


def test_there_are_histories() -> None:
    assert {path.parent.name for path in WHOLE} >= {"schema-0001", "0.1"}
    assert ARCHIVES


@pytest.mark.parametrize("file", WHOLE, ids=lambda file: file.parent.name)
def test_a_database_means_what_it_meant_and_goes_on(file: Path, tmp_path: Path, harmony: Harmony) -> None:
    copy = Path(shutil.copy(file, tmp_path / "log.db"))
    with closing(open_log(copy)) as log:
        assert found(log) == facts(file)
        (session,) = log.sessions()
        for branch in log.branches(session.id):
            assert verify(log.read(branch.id), harmony).drift is None
        assert log.faults() == []
        hits = log.search(SearchRequest(query=parse_query("hello ada")))
        assert [(hit.role, hit.branch_name) for hit in hits] == [("user", "main")]
        branch = log.branch(session.branch)
        log.append(branch.id, branch.head, [says("Going on.")])
        log.repair()
        assert log.faults() == []
    older = file.parent.name.startswith("schema-") and file.parent.name != f"schema-{REVISION}"
    assert bool(list(tmp_path.glob("*.backup"))) == older


@pytest.mark.parametrize("file", ARCHIVES, ids=lambda file: file.parent.name)
def test_an_archive_is_restored(file: Path) -> None:
    log = MemoryLog()
    with file.open("rb") as lines:
        log.restore([archived.records for archived in read_archive(lines)])
    assert found(log) == facts(file)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*/damaged.db")), ids=lambda file: file.parent.name)
def test_damage_is_found_where_it_is(file: Path, tmp_path: Path, harmony: Harmony) -> None:
    with closing(open_for_reading(shutil.copy(file, tmp_path / "log.db"))) as reader:
        branch = reader.sessions()[0].branch
        with pytest.raises(DatabaseCorrupt, match=f"event {facts(file)} of session"):
            list(reader.read(branch))
        drift = verify(reader.read(branch), harmony).drift
        assert drift is not None
        assert (drift.layer, drift.seq) == ("chain", facts(file))


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*/drifted.db")), ids=lambda file: file.parent.name)
def test_drift_is_found_where_it_is(file: Path, tmp_path: Path, harmony: Harmony) -> None:
    with closing(open_for_reading(shutil.copy(file, tmp_path / "log.db"))) as reader:
        verified = verify(reader.read(reader.sessions()[0].branch), harmony)
        assert verified.drift is not None
        assert (verified.drift.layer, verified.drift.seq) == ("prompt", facts(file))
        assert verified.prompts == 1
