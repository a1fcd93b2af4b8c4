"""The SQL of the event log, as plain text.

The log, on whichever database, and the reader run these. Building them with SQLAlchemy's expression language would cost
more, at every append, than SQLite takes to run them. Parameters are `?`; a dialect that spells something differently
replaces it. `gptoss.storage.tables` describes the tables.

The key of an event is its branch's key and its seq, side by side: the events of a branch lie together and in order.

Payloads and kinds travel as bytes: hashing and decoding want bytes, and a damaged row whose text is no longer UTF-8
must still be read to be named.
"""

from gptoss.engine.events import KINDS

# ruff: noqa: S608  # the pieces put together here are constants of this module, never values

SEQ_BITS = 32
SEQ_MASK = (1 << SEQ_BITS) - 1


def _newest(column: str, branch: str) -> str:
    """The value of a column in the newest event of a branch; null for a branch without events."""
    return f"""(
        SELECT {column} FROM events e
        WHERE e.key > {branch}.key << {SEQ_BITS} AND e.key < ({branch}.key + 1) << {SEQ_BITS}
        ORDER BY e.key DESC LIMIT 1
    )"""


NEWEST_SEQ = f"coalesce({_newest('e.key', 'b')} & {SEQ_MASK}, b.head)"
"""Of the branch `b`."""

_SESSION = f"""
    SELECT s.id, s.name, b.id, s.created,
        (SELECT coalesce(max({_newest("e.time", "c")}), s.created) FROM branches c WHERE c.session = s.key) AS updated,
        (SELECT CAST(coalesce(sum({_newest("e.messages", "c")}), 0) AS BIGINT) FROM branches c WHERE c.session = s.key),
        (SELECT c.preview FROM branches c WHERE c.session = s.key ORDER BY c.preview = '', c.key LIMIT 1)
    FROM sessions s
    JOIN branches b ON b.key = s.branch
"""
SESSIONS = f"{_SESSION} ORDER BY updated DESC, s.key DESC"
SESSION_NAMED = f"{_SESSION} WHERE s.name = ?"

_BRANCH = f"""
    SELECT b.id, s.id, b.name, p.id, b.at_seq, {NEWEST_SEQ}
    FROM branches b
    JOIN sessions s ON s.key = b.session
    LEFT JOIN branches p ON p.key = b.parent
"""
BRANCH = f"{_BRANCH} WHERE b.id = ?"
BRANCHES = f"{_BRANCH} WHERE s.id = ? ORDER BY b.key"

# A fork is always younger than its parent; saying so ends the recursion in a damaged database, too.
LINEAGE = """
    WITH RECURSIVE lineage (key, id, at_seq, parent) AS (
        SELECT key, id, at_seq, parent FROM branches WHERE id = ?
        UNION ALL
        SELECT b.key, b.id, b.at_seq, b.parent FROM branches b JOIN lineage l ON b.key = l.parent AND b.key < l.key
    )
    SELECT key, id, at_seq FROM lineage ORDER BY key DESC
"""

SEAL = f"""
    SELECT s.name, b.head, b.hash, {_newest("e.key", "b")} & {SEQ_MASK}
    FROM branches b JOIN sessions s ON s.key = b.session
    WHERE b.id = ?
"""

EVENTS = """
    SELECT key, CAST(kind AS BLOB), version, time, messages, hash, CAST(payload AS BLOB), tokens, redacted
    FROM events WHERE key > ? AND key <= ? ORDER BY key
"""
_VERSIONS = 1 << 16
_OFFSETS = {
    kind: number * _VERSIONS
    for number, kind in enumerate(sorted(KINDS, key=("TokensSampled", "MessageAppended").__contains__, reverse=True))
}
FORMS: dict[object, tuple[str, int]] = {
    offset + KINDS[kind].VERSION: (kind, KINDS[kind].VERSION) for kind, offset in _OFFSETS.items()
}
"""What `BRIEFLY` calls the newest version of each kind: numbers are quick to hand over and to look up."""
_FORM = f"""
    CASE kind {" ".join(f"WHEN '{kind}' THEN {offset}" for kind, offset in _OFFSETS.items())} END + version
"""
# With the hash of the last as the content of one more row. Should a database ever give them in another order, the hash
# does not fit, and they are read by `EVENTS`.
BRIEFLY = f"""
    SELECT * FROM (
        SELECT {_FORM}, time, messages,
            CASE WHEN tokens IS NULL THEN CAST(payload AS BLOB)
            ELSE CAST(CAST(payload AS BLOB) || x'00' || tokens AS BLOB) END
        FROM events WHERE key > ? AND key <= ? ORDER BY key
    ) page
    UNION ALL SELECT 0, 0, 0, hash FROM events WHERE key = ?
"""

# Searching

LAGGING = f"SELECT 1 FROM branches b WHERE b.indexed < {NEWEST_SEQ} LIMIT 1"
INDEXED_TO_NEWEST = f"UPDATE branches AS b SET indexed = {NEWEST_SEQ} WHERE indexed < {NEWEST_SEQ}"

SCAN = f"""
    SELECT e.key FROM events e JOIN branches b ON b.key = e.key >> {SEQ_BITS} JOIN sessions s ON s.key = b.session
    WHERE e.redacted IS NULL AND e.kind IN ('MessageAppended', 'SessionStarted', 'SettingsChanged')
    AND s.name = coalesce(?, s.name) AND e.time >= ? AND e.time < ?
    ORDER BY e.time DESC, e.key DESC
"""
HIT = f"""
    SELECT s.name, b.id, b.name, e.time, CAST(e.kind AS BLOB), e.version, CAST(e.payload AS BLOB)
    FROM events e JOIN branches b ON b.key = e.key >> {SEQ_BITS} JOIN sessions s ON s.key = b.session
    WHERE e.key = ? AND e.payload IS NOT NULL
"""
NEXT_GENERATION = """
    SELECT e.version, CAST(e.payload AS BLOB) FROM events e
    WHERE e.key > ? AND e.key < ? AND e.kind = 'GenerationStarted' ORDER BY e.key LIMIT 1
"""

BLOB = "SELECT data FROM blobs WHERE digest = ?"

# Writing

HEAD = f"""
    SELECT b.key, b.session, b.head, e.key & {SEQ_MASK}, e.hash, e.messages
    FROM branches b JOIN events e ON e.key = {_newest("e.key", "b")}
    WHERE b.id = ?
"""

# An event follows the one before it: when that is missing (its session was deleted, or a server has crashed), or is
# another one by now, the kind is null, which the table refuses, as it refuses a key that is taken. An empty text stands
# for no tokens: see `gptoss.storage.database`.
INSERT_EVENT = """
    INSERT INTO events (key, kind, version, time, messages, hash, payload, tokens)
    VALUES (?, (SELECT ? FROM events WHERE key = ? AND hash = ?), ?, ?, ?, ?, ?, nullif(?, ''))
"""
INSERT_FIRST_EVENT = """
    INSERT INTO events (key, kind, version, time, messages, hash, payload) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
# A server that crashed may have lost the last events, which a seal must not promise.
SET_SEAL = """
    UPDATE branches SET head = ?, hash = ?
    WHERE key = ? AND head < ? AND EXISTS (SELECT 1 FROM events WHERE key = ? AND hash = ?)
"""
SET_PREVIEW = "UPDATE branches SET preview = ? WHERE key = ? AND preview = ''"

INSERT_SESSION = "INSERT INTO sessions (id, name, created) VALUES (?, ?, ?) RETURNING key"
INSERT_BRANCH = """
    INSERT INTO branches (id, session, name, parent, at_seq, head, hash, preview)
    VALUES (?, ?, ?, ?, ?, ?, ?, '') RETURNING key
"""
NAME_TAKEN = "SELECT 1 FROM sessions WHERE name = ? AND key <> ?"
BRANCH_NAMES = "SELECT name FROM branches WHERE session = ?"
SET_NAME = "UPDATE sessions SET name = ? WHERE key = ?"
SET_CURRENT = "UPDATE sessions SET branch = ? WHERE key = ?"
INSERT_BLOB = "INSERT INTO blobs (digest, data) VALUES (?, ?) ON CONFLICT DO NOTHING"
BLOB_EXISTS = "SELECT 1 FROM blobs WHERE digest = ?"
INSERT_BLOB_USE = "INSERT INTO blob_uses (session, digest) VALUES (?, ?) ON CONFLICT DO NOTHING"

LEASE = """
    SELECT l.host, l.pid, l.began, l.heartbeat FROM leases l JOIN branches b ON b.key = l.branch WHERE b.id = ?
"""
DELETE_LEASES = "DELETE FROM leases WHERE branch = ?"
INSERT_LEASE = "INSERT INTO leases (branch, id, host, pid, began, heartbeat) VALUES (?, ?, ?, ?, ?, ?)"
RENEW_LEASE = "UPDATE leases SET heartbeat = ? WHERE id = ? RETURNING branch"
RELEASE_LEASE = "DELETE FROM leases WHERE id = ?"

SESSION_KEY = "SELECT key FROM sessions WHERE id = ?"
BRANCH_KEYS = "SELECT key, indexed FROM branches WHERE session = ?"
DELETE_EVENTS = "DELETE FROM events WHERE key > ? AND key < ?"
DELETE_SESSION = (
    "DELETE FROM leases WHERE branch IN (SELECT key FROM branches WHERE session = ?)",
    "DELETE FROM branches WHERE session = ?",
    "DELETE FROM blob_uses WHERE session = ?",
    "DELETE FROM sessions WHERE key = ?",
)
ORPHANED_BLOBS = """
    SELECT digest FROM blob_uses WHERE session = ?
    AND digest NOT IN (SELECT digest FROM blob_uses WHERE session <> ?)
"""
DELETE_BLOB = "DELETE FROM blobs WHERE digest = ?"

# Redacting

BRANCHES_BESIDE = """
    SELECT id FROM branches WHERE session = (SELECT session FROM branches WHERE id = ?) ORDER BY key
"""
REDACT = "UPDATE events SET payload = ?, tokens = ?, redacted = ? WHERE key = ?"
INDEXED = "SELECT indexed FROM branches WHERE key = ?"
USED_BLOBS = "SELECT digest FROM blob_uses WHERE session = ?"
UNUSED_BLOBS = "SELECT digest FROM blobs WHERE digest NOT IN (SELECT digest FROM blob_uses)"
HELD_BRANCHES = "SELECT b.id FROM leases l JOIN branches b ON b.key = l.branch"

# Rebuilding

# Of one session, or of all with a null.
FORGET_PROJECTIONS = (
    "DELETE FROM blob_uses WHERE session = coalesce(?, session)",
    "UPDATE branches SET preview = '' WHERE session = coalesce(?, session)",
)
NOTABLE_EVENTS = f"""
    SELECT b.key, b.session, e.messages, e.time, CAST(e.kind AS BLOB), e.version, CAST(e.payload AS BLOB)
    FROM events e JOIN branches b ON b.key = e.key >> {SEQ_BITS}
    WHERE b.session = coalesce(?, b.session) AND e.payload IS NOT NULL AND (
        e.kind IN ('SessionStarted', 'BranchForked', 'SessionRenamed', 'HeadMoved', 'ToolReturned')
        OR (e.kind = 'MessageAppended' AND e.messages <= ?)
    )
    ORDER BY e.time, e.key
"""
SESSION_ROWS = "SELECT key, id, name, branch, created FROM sessions WHERE key = coalesce(?, key) ORDER BY key"
BRANCH_ROWS = """
    SELECT b.key, b.session, b.name, CASE WHEN b.parent IS NOT NULL THEN coalesce(p.id, '') END, p.session, b.at_seq,
        b.preview
    FROM branches b LEFT JOIN branches p ON p.key = b.parent
    WHERE b.session = coalesce(?, b.session) ORDER BY b.key
"""
USE_ROWS = "SELECT session, digest FROM blob_uses WHERE session = coalesce(?, session)"
BLOB_DIGESTS = "SELECT digest FROM blobs UNION SELECT digest FROM blob_uses"
EVENTS_OF_NO_BRANCH = f"""
    SELECT DISTINCT key >> {SEQ_BITS} FROM events WHERE key >> {SEQ_BITS} NOT IN (SELECT key FROM branches)
"""
BRANCHES_OF_NO_SESSION = "SELECT name FROM branches WHERE session NOT IN (SELECT key FROM sessions)"
SESSIONS_OF_NO_BRANCH = """
    SELECT name, branch FROM sessions s
    WHERE NOT EXISTS (SELECT 1 FROM branches b WHERE b.key = s.branch AND b.session = s.key)
"""
SET_CREATED = "UPDATE sessions SET created = ? WHERE key = ?"
SET_ORIGIN = """
    UPDATE branches SET name = ?, at_seq = ?, parent = (SELECT p.key FROM branches p WHERE p.id = ?) WHERE key = ?
"""
SET_SEALS = f"""
    UPDATE branches SET head = {_newest("e.key", "branches")} & {SEQ_MASK}, hash = {_newest("e.hash", "branches")}
    WHERE {_newest("e.key", "branches")} IS NOT NULL
"""
