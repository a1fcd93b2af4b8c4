"""The SQL of the event log, as plain text.

Both the log on SQLAlchemy and the reader that imports none of it run these. Building them with SQLAlchemy's expression
language would cost more, at every append, than SQLite takes to run them. Parameters are `?`; what a dialect spells
differently, it replaces (see `gptoss.storage.sqlite`). `gptoss.storage.tables` describes the tables.

Payloads and kinds travel as bytes: hashing and decoding want bytes, and a damaged row whose text is no longer UTF-8
must still be read to be named.
"""

_SESSION = """
    SELECT s.id, s.name, b.id, s.created, e.time,
        (
            SELECT sum((SELECT n.messages FROM events n WHERE n.branch = c.key ORDER BY n.seq DESC LIMIT 1))
            FROM branches c WHERE c.session = s.key
        ),
        (SELECT c.preview FROM branches c WHERE c.session = s.key ORDER BY c.preview = '', c.key LIMIT 1)
    FROM sessions s
    JOIN branches b ON b.key = s.branch
    JOIN events e ON e.position = (
        SELECT max((SELECT n.position FROM events n WHERE n.branch = c.key ORDER BY n.seq DESC LIMIT 1))
        FROM branches c WHERE c.session = s.key
    )
"""
SESSIONS = f"{_SESSION} ORDER BY e.position DESC"
SESSION_NAMED = f"{_SESSION} WHERE s.name = ?"

_BRANCH = """
    SELECT b.id, s.id, b.name, p.id, b.at_seq,
        coalesce((SELECT max(e.seq) FROM events e WHERE e.branch = b.key), b.head)
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

WITNESS = """
    SELECT s.name, b.head, b.hash, (SELECT max(e.seq) FROM events e WHERE e.branch = b.key)
    FROM branches b JOIN sessions s ON s.key = b.session
    WHERE b.id = ?
"""

EVENTS = """
    SELECT position, seq, CAST(kind AS BLOB), version, time, messages, hash, CAST(payload AS BLOB), tokens, redacted
    FROM events WHERE branch = ? AND seq > ? AND seq <= ? ORDER BY seq
"""

BLOB = "SELECT data FROM blobs WHERE digest = ?"

# Writing

HEAD = """
    SELECT b.key, b.session, e.seq, e.hash, e.messages
    FROM branches b JOIN events e ON e.branch = b.key
    WHERE b.id = ? ORDER BY e.seq DESC LIMIT 1
"""
# An empty text stands for no tokens: see `SqlLog._insert`.
INSERT_EVENT = """
    INSERT INTO events (branch, seq, kind, version, time, messages, hash, payload, tokens)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''))
"""
SET_WITNESS = "UPDATE branches SET head = ?, hash = ? WHERE key = ?"
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

SESSION_KEY = "SELECT key FROM sessions WHERE id = ?"
DELETE_SESSION = (
    "DELETE FROM events WHERE branch IN (SELECT key FROM branches WHERE session = ?)",
    "DELETE FROM branches WHERE session = ?",
    "DELETE FROM blob_uses WHERE session = ?",
    "DELETE FROM sessions WHERE key = ?",
)
ORPHANED_BLOBS = """
    SELECT digest FROM blob_uses WHERE session = ?
    AND digest NOT IN (SELECT digest FROM blob_uses WHERE session <> ?)
"""
DELETE_BLOB = "DELETE FROM blobs WHERE digest = ?"

# Rebuilding

FORGET_PROJECTIONS = ("DELETE FROM blob_uses", "UPDATE branches SET preview = ''")
NOTABLE_EVENTS = """
    SELECT b.key, b.session, e.messages, e.time, CAST(e.kind AS BLOB), e.version, CAST(e.payload AS BLOB)
    FROM events e JOIN branches b ON b.key = e.branch
    WHERE e.payload IS NOT NULL AND (
        e.kind IN ('SessionStarted', 'BranchForked', 'SessionRenamed', 'HeadMoved', 'ToolReturned')
        OR e.kind = 'MessageAppended' AND e.messages <= ?
    )
    ORDER BY e.position
"""
SET_CREATED = "UPDATE sessions SET created = ? WHERE key = ?"
SET_ORIGIN = """
    UPDATE branches SET name = ?, at_seq = ?, parent = (SELECT p.key FROM branches p WHERE p.id = ?) WHERE key = ?
"""
SET_WITNESSES = """
    UPDATE branches SET
        head = (SELECT max(e.seq) FROM events e WHERE e.branch = branches.key),
        hash = (SELECT e.hash FROM events e WHERE e.branch = branches.key ORDER BY e.seq DESC LIMIT 1)
    WHERE key IN (SELECT branch FROM events)
"""
