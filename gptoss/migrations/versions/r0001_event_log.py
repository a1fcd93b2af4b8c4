"""The event log: sessions, branches, events and blobs. `gptoss.storage.tables` says what each column holds."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NUMBER = sa.Integer().with_variant(sa.BigInteger, "postgresql")  # 32 bits without a sign


def _computed() -> list[sa.Column[int]]:
    """For people who look into the file; PostgreSQL could only store them."""
    if op.get_bind().dialect.name != "sqlite":
        return []
    return [
        sa.Column("branch", BIG, sa.Computed("key >> 32", persisted=False)),
        sa.Column("seq", BIG, sa.Computed("key & 4294967295", persisted=False)),
    ]


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("key", BIG, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("branch", BIG),
        sa.Column("created", BIG, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "branches",
        sa.Column("key", BIG, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("session", BIG, sa.ForeignKey("sessions.key"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("parent", BIG, sa.ForeignKey("branches.key")),
        sa.Column("at_seq", BIG, nullable=False),
        sa.Column("head", BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("preview", sa.Text, nullable=False),
        sa.UniqueConstraint("session", "name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "events",
        sa.Column("key", BIG, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("time", BIG, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.Text),
        sa.Column("tokens", sa.LargeBinary),
        sa.Column("redacted", sa.LargeBinary),
        *_computed(),
    )
    op.create_table(
        "blobs",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "blob_uses",
        sa.Column("session", BIG, sa.ForeignKey("sessions.key"), primary_key=True),
        sa.Column("digest", sa.Text, sa.ForeignKey("blobs.digest"), primary_key=True),
    )
    op.create_index("blob_uses_by_digest", "blob_uses", ["digest"])
