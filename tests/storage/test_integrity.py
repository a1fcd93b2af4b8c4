"""A damaged file never reads as a whole history."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.engine.errors import DatabaseCorrupt, StorageError
from gptoss.engine.events import Event, StoredEvent, TokensSampled, UnknownEvent
from gptoss.storage.chain import digest_of
from gptoss.storage.codec import encode
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi
from tests.contracts.event_log import SETTINGS, a_generation, answers, says

EVENTS: list[Event] = [says("one"), *a_generation(), answers("two"), says("three"), *a_generation(2), answers("four")]
COLUMNS = ("key", "kind", "version", "time", "messages", "hash", "payload", "tokens")


def tamper(path: Path, statement: str, *parameters: object) -> int:
    """Behind the log's back. Gives the number of rows changed."""
    with closing(dbapi.connect(str(path), isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        changed: int = connection.execute(statement, parameters).rowcount
    return changed


class Database:
    """A database with a session on two branches; the events of the longer one are numbered 1 to `length`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        log = SqlLog(path)
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, EVENTS)
        fork = log.fork(session.branch, 8)
        self.at_seq = fork.at_seq
        log.append(fork.id, 9, EVENTS)
        log.append(session.branch, 1 + len(EVENTS), [says("on the root")])
        self.root, self.branch = session.branch, fork.id
        self.length = 9 + len(EVENTS)
        self.whole = list(log.read(self.branch))
        self.end_of_root = list(log.read(self.root))[-1].position
        log.close()
        self.original = path.read_bytes()

    def execute(self, statement: str, *parameters: object) -> int:
        return tamper(self.path, statement, *parameters)

    def restore(self) -> None:
        for leftover in self.path.parent.glob(f"{self.path.name}-*"):
            leftover.unlink()
        self.path.write_bytes(self.original)

    def read(self, branch: str | None = None, after: int = 0, *, thorough: bool = False) -> list[StoredEvent]:
        with closing(SqliteReader(self.path)) as reader:
            return list(reader.read(branch or self.branch, after, thorough=thorough))

    def position(self, seq: int) -> int:
        return self.whole[seq - 1].position


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return Database(tmp_path_factory.mktemp("integrity") / "log.db")


@pytest.fixture
def database(made: Database) -> Iterator[Database]:
    yield made
    made.restore()


def test_an_undamaged_database_reads_whole(database: Database) -> None:
    assert database.read() == database.whole
    assert len(database.whole) == database.length


@given(data=st.data())
def test_any_altered_value_is_found_where_it_is(made: Database, data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, made.length))
    column = data.draw(st.sampled_from(COLUMNS))
    with closing(dbapi.connect(str(made.path))) as connection:
        (old,) = connection.execute(f"SELECT {column} FROM events WHERE key = ?", (made.position(seq),)).fetchone()
    new = data.draw(altered(column, old).filter(lambda value: value != old))
    try:
        made.execute(f"UPDATE events SET {column} = ? WHERE key = ?", new, made.position(seq))
        with pytest.raises(DatabaseCorrupt, match=rf"event {seq} of session 'ada'"):
            made.read(thorough=True)
        if column == "hash" and seq not in (made.at_seq, made.length):
            # The hash that follows is computed from what the event says: no event depends on the one that is kept.
            assert made.read() == made.whole
        else:
            with pytest.raises(DatabaseCorrupt, match=rf"event {seq} of session 'ada'"):
                made.read()
    finally:
        made.restore()


def altered(column: str, old: object) -> st.SearchStrategy[object]:
    """Other values, of any type that the column takes."""
    if column == "key":
        # The table itself refuses a key twice, and one that is no number.
        return st.integers(2**40, 2**60) | st.integers(1000, 2000).map(lambda more: int(str(old)) + more)
    if isinstance(old, int):
        return st.integers(-(2**40), 2**60) | st.just(old + 1) | st.just("text")
    if isinstance(old, str):
        longer = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5).map(lambda end: old + end)
        return longer | st.just(7) | (st.none() if column == "payload" else st.just(b"x"))
    if isinstance(old, bytes):
        return st.integers(0, 8 * len(old) - 1).map(lambda bit: flipped(old, bit)) | st.just(old[:-1]) | st.just("text")
    return st.binary(max_size=3) | st.just("text")


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_text_that_is_no_longer_utf_8_is_named_too(database: Database) -> None:
    for column in ("payload", "kind"):
        database.execute(
            f"UPDATE events SET {column} = CAST(x'FF' || CAST({column} AS BLOB) AS TEXT) WHERE key = ?",
            database.position(5),
        )
        with pytest.raises(DatabaseCorrupt, match=r"event 5 of session 'ada'"):
            database.read()
        database.restore()


def test_any_missing_row_is_found(database: Database) -> None:
    for seq in range(1, database.length + 1):
        assert database.execute("DELETE FROM events WHERE key = ?", database.position(seq)) == 1
        with pytest.raises(DatabaseCorrupt, match=rf"event {seq} of session 'ada' is missing"):
            database.read()
        database.restore()


def test_a_missing_end_is_found(database: Database) -> None:
    for seq in range(9, database.length + 1):
        database.execute(
            "DELETE FROM events WHERE key BETWEEN ? AND ?", database.position(seq), database.position(database.length)
        )
        with pytest.raises(DatabaseCorrupt, match=rf"event {seq} of session 'ada' is missing"):
            database.read()
        with pytest.raises(DatabaseCorrupt):
            database.read(after=seq - 2)
        database.restore()


def test_any_two_swapped_rows_are_found(database: Database) -> None:
    columns = ", ".join(COLUMNS[1:])
    for first in range(1, database.length):
        for second in {first + 1, (first + 5) % database.length + 1} - {first}:
            pair = (database.position(first), database.position(second))
            database.execute(
                f"UPDATE events SET ({columns}) = (SELECT {columns} FROM events e WHERE e.key = ? + ? - "
                "events.key) WHERE key IN (?, ?)",
                *pair,
                *pair,
            )
            with pytest.raises(DatabaseCorrupt, match=rf"event {min(first, second)} of session 'ada'"):
                database.read()
            database.restore()


def test_a_row_on_another_branch_is_found(database: Database) -> None:
    """The same event has another hash there."""
    database.execute("UPDATE events SET key = ? WHERE key = ?", database.end_of_root + 1, database.whole[-1].position)
    with pytest.raises(DatabaseCorrupt, match=rf"event {database.length} of session 'ada' is missing"):
        database.read()
    with pytest.raises(DatabaseCorrupt, match="is not as it was written"):
        database.read(database.root)


@pytest.mark.parametrize("change", ["at_seq = 7", "at_seq = 9", "parent = NULL"])
def test_a_fork_that_hangs_elsewhere_is_found(database: Database, change: str) -> None:
    database.execute(f"UPDATE branches SET {change} WHERE id = ?", database.branch)
    with pytest.raises(DatabaseCorrupt):
        database.read()


def test_what_comes_before_the_damage_can_be_read_and_continued(database: Database) -> None:
    database.execute("UPDATE events SET payload = '[]' WHERE key = ?", database.position(12))
    log = SqlLog(database.path)
    with pytest.raises(DatabaseCorrupt):
        list(log.read(database.branch))
    assert list(log.read(database.branch, until=11)) == database.whole[:11]
    fork = log.fork(database.branch, 11)
    log.append(fork.id, 12, [says("going on")])
    assert [event.seq for event in log.read(fork.id)] == list(range(1, 14))
    log.close()


@pytest.mark.parametrize("change", ["payload = '[]'", "hash = x'00'"])
def test_a_damaged_event_cannot_be_forked_from(database: Database, change: str) -> None:
    database.execute(f"UPDATE events SET {change} WHERE key = ?", database.position(12))
    with closing(SqlLog(database.path)) as log:
        with pytest.raises(DatabaseCorrupt):
            log.fork(database.branch, 12)
        assert len(log.branches(log.session("ada").id)) == 2


@pytest.mark.parametrize("seq", [2, 4, 12])
def test_a_payload_can_be_removed_and_the_chain_still_verifies(database: Database, seq: int) -> None:
    _, _, payload, tokens = encode(database.whole[seq - 1].event)
    removal = "UPDATE events SET payload = NULL, tokens = NULL, redacted = ? WHERE key = ?"
    database.execute(removal, digest_of(payload, tokens), database.position(seq))
    events = database.read()
    kind = database.whole[seq - 1].event.kind
    assert events[seq - 1].event == UnknownEvent(name=kind, schema_version=1, payload="")
    assert events[: seq - 1] + events[seq:] == database.whole[: seq - 1] + database.whole[seq:]
    for wrong in (b"", bytes(16), digest_of(payload, tokens) + b"\x00", None):
        database.execute(removal, wrong, database.position(seq))
        with pytest.raises(DatabaseCorrupt, match=rf"event {seq} of session 'ada'"):
            database.read()


def test_a_blob_that_changed_is_found(tmp_path: Path) -> None:
    log = SqlLog(tmp_path / "log.db")
    digest = log.put_blob(b"data")
    log.close()
    tamper(tmp_path / "log.db", "UPDATE blobs SET data = x'00'")
    with pytest.raises(DatabaseCorrupt, match=digest):
        SqliteReader(tmp_path / "log.db").get_blob(digest)


def test_a_lost_token_batch_at_the_very_end_is_no_damage(tmp_path: Path) -> None:
    """Batches are not synced one by one: after a loss of power the last of them may be gone, and the rest must open."""
    log = SqlLog(tmp_path / "log.db")
    session = log.start("ada", SETTINGS)
    log.append(session.branch, 1, [says("one")])
    batch = TokensSampled(ids=(1, 2, 3))
    log.append(session.branch, 2, [batch], durable=False)
    log.append(session.branch, 3, [batch], durable=False)
    log._database.close()  # as if the process had been killed
    tamper(tmp_path / "log.db", "DELETE FROM events WHERE seq = 4")
    log = SqlLog(tmp_path / "log.db")
    assert [event.seq for event in log.read(session.branch)] == [1, 2, 3]
    log.append(session.branch, 3, [says("two")])
    log.close()


@given(st.integers(0, 1 << 30), st.integers(0, 7))
def test_any_flipped_bit_of_the_file_is_found_or_changes_nothing(made: Database, where: int, bit: int) -> None:
    damaged = bytearray(made.original)
    damaged[where % len(damaged)] ^= 1 << bit
    made.path.write_bytes(damaged)
    try:
        read = made.read()
    except StorageError:
        pass
    else:
        assert read == made.whole
    finally:
        made.restore()
