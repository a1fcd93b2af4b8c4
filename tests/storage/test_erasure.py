"""What was removed is not in the files either."""

from contextlib import closing
from pathlib import Path

import pytest

from gptoss.engine.events import Artefact, TokensSampled, ToolReturned
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi
from tests.contracts.event_log import SETTINGS, a_generation, answers, says

SECRET = "xylophone"
SECRET_IDS = tuple(range(190_000, 190_040))


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()) if file.name.startswith(path.name))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with much in it, of which some is secret, and all of which is indexed."""
    path = tmp_path / "log.db"
    with closing(SqlLog(path)) as log:
        for name in ("before", "ada", "after"):
            branch = log.start(name, SETTINGS).branch
            seq = log.append(branch, 1, [says(f"{name} {n} " + "words " * 50) for n in range(200)])[-1].seq
            if name == "ada":
                digest = log.put_blob(SECRET.encode() * 1000)
                artefact = Artefact(digest=digest, name="a", media_type="b", size=1)
                said = says(f"The word is {SECRET}. " + f"{SECRET}! " * 2000)
                returned = ToolReturned(call=1, outcome="ok", artefacts=(artefact,))
                log.append(branch, seq, [said, returned, *a_generation(), answers(SECRET)])
        assert len(log.search(SearchRequest(query=parse_query(SECRET)))) == 2
    assert on_disk(path).count(SECRET.encode()) > 1000
    return path


def free_pages(path: Path) -> int:
    with closing(dbapi.connect(str(path))) as connection:
        return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def test_a_redacted_text_is_not_in_the_files(path: Path) -> None:
    with closing(SqlLog(path)) as log:
        branch = log.session("ada").branch
        for seq in (202, 203, 209):
            assert log.redact(branch, seq).erased
        assert SECRET.encode() not in on_disk(path)
        assert len(list(log.read(branch))) == 212
    assert SECRET.encode() not in on_disk(path)


def test_redacted_tokens_are_not_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqlLog(path)) as log:
        branch = log.start("ada", SETTINGS).branch
        started, *_ = a_generation()
        (_, sampled) = log.append(branch, 1, [started, TokensSampled(ids=(200005, 17196, 200008, *SECRET_IDS))])
        with closing(dbapi.connect(str(path))) as connection:
            (packed,) = connection.execute("SELECT tokens FROM events WHERE key = ?", (sampled.position,)).fetchone()
        assert packed[-60:] in on_disk(path)
        log.redact(branch, 3)
        assert packed[-60:] not in on_disk(path)


def test_a_deleted_session_is_not_in_the_files_and_its_space_is_returned(path: Path) -> None:
    before = path.stat().st_size
    with closing(SqlLog(path)) as log:
        log.delete(log.session("ada").id)
        collected = log.collect()
        assert collected.erased
        assert collected.before is not None
        assert collected.after is not None
        assert collected.before > collected.after == path.stat().st_size < before
        assert SECRET.encode() not in on_disk(path)
        assert b"ada 17 words" not in on_disk(path)
        assert free_pages(path) == 0
        assert [len(list(log.read(session.branch))) for session in log.sessions()] == [201, 201]


def test_a_reader_that_keeps_the_file_busy_is_told_of(path: Path) -> None:
    with closing(SqlLog(path)) as log, closing(dbapi.connect(str(path), isolation_level=None)) as other:
        log._rows("PRAGMA busy_timeout = 50")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM events").fetchall()
        assert not log.redact(log.session("ada").branch, 202).erased
        assert not log.collect().erased
        other.execute("COMMIT")
        assert log.collect(thorough=True).erased
        assert SECRET.encode() in on_disk(path)  # the answer and the blob are still there
        for seq in (203, 209):
            log.redact(log.session("ada").branch, seq)
        assert SECRET.encode() not in on_disk(path)
