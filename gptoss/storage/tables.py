"""The tables, as SQLAlchemy knows them: what the migrations must add up to (a test compares the two).

Inside, rows refer to each other by integer keys, which are small; outside, sessions and branches have string ids. The
keys of sessions and branches are never used twice, so a writer that remembers a deleted branch's cannot write into
another one.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

Big = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; only an INTEGER primary key is SQLite's own row id."""

Number = Integer().with_variant(BigInteger, "postgresql")
"""32 bits without a sign."""

sessions = Table(
    "sessions",
    metadata,
    Column("key", Big, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    # From here on a projection: it can be computed again from the events.
    Column("name", Text, nullable=False, unique=True),
    Column("branch", Big),  # the current one
    Column("created", Big, nullable=False),
    sqlite_autoincrement=True,
)

branches = Table(
    "branches",
    metadata,
    Column("key", Big, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("session", Big, ForeignKey("sessions.key"), nullable=False),
    # From here on a projection. `head` and `hash` seal the branch: without that event, or one before, it is damaged.
    Column("name", Text, nullable=False),
    Column("parent", Big, ForeignKey("branches.key")),
    Column("at_seq", Big, nullable=False),
    Column("head", Big, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("preview", Text, nullable=False),
    Column("indexed", Big, nullable=False, server_default="0"),  # up to this seq in the search index
    UniqueConstraint("session", "name"),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    # branch << 32 | seq: one tree holds the events of each branch together, in order, and refuses a seq twice. Every
    # further index is a further page to write, and to sync, at each append.
    Column("key", Big, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("version", Number, nullable=False),
    Column("time", Big, nullable=False),  # microseconds since 1970-01-01 UTC
    Column("messages", Integer, nullable=False),  # said on this branch up to here
    Column("hash", LargeBinary, nullable=False),  # see gptoss.storage.chain
    Column("payload", Text),  # JSON; NULL when it was redacted
    Column("tokens", LargeBinary),  # the ids of TokensSampled, see gptoss.storage.varint
    Column("redacted", LargeBinary),  # the digest that a redacted payload leaves behind
    # For people who look into a SQLite file: computed when asked for.
    Column("branch", Big, Computed("key >> 32", persisted=False)),
    Column("seq", Big, Computed("key & 4294967295", persisted=False)),
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", Text, primary_key=True),  # BLAKE2b-256, hexadecimal
    Column("data", LargeBinary, nullable=False),
)

blob_uses = Table(
    "blob_uses",
    metadata,
    Column("session", Big, ForeignKey("sessions.key"), primary_key=True),
    Column("digest", Text, ForeignKey("blobs.digest"), primary_key=True),
    Index("blob_uses_by_digest", "digest"),
)

leases = Table(
    "leases",
    metadata,
    # Who writes to a branch at the moment, see gptoss.storage.leases. A courtesy: what guards a branch is its head.
    Column("branch", Big, ForeignKey("branches.key"), primary_key=True),
    Column("id", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Big, nullable=False),
    Column("began", Text, nullable=False),  # when the process began, as its system tells: a pid is used again
    Column("heartbeat", Big, nullable=False),  # microseconds since 1970-01-01 UTC
)

# Beside these there is the full-text index, of which SQLAlchemy knows nothing: see gptoss.storage.index.
