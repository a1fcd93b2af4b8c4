"""The full-text index (filled when it is first searched) and the leases of writers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# The index holds no text of its own: SQLite fetches it from this view, and can compute the index again from it.
SAID = """
    CREATE VIEW said AS
    SELECT key, text FROM (
        SELECT key, CASE WHEN json_valid(payload) THEN
            coalesce(json_extract(payload, '$.message.content'), json_extract(payload, '$.settings.developer_message'))
        END AS text
        FROM events WHERE redacted IS NULL AND kind IN ('MessageAppended', 'SessionStarted', 'SettingsChanged')
    )
    WHERE text IS NOT NULL
"""
SEARCH = """
    CREATE VIRTUAL TABLE search USING fts5(
        text, content='said', content_rowid='key', detail='none', tokenize='unicode61 remove_diacritics 2'
    )
"""


def upgrade() -> None:
    op.add_column("branches", sa.Column("indexed", BIG, nullable=False, server_default="0"))
    op.create_table(
        "leases",
        sa.Column("branch", BIG, sa.ForeignKey("branches.key"), primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", BIG, nullable=False),
        sa.Column("began", sa.Text, nullable=False),
        sa.Column("heartbeat", BIG, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(SAID)
        op.execute(SEARCH)
    else:
        op.execute("CREATE TABLE search (key BIGINT PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX search_words ON search USING gin (words)")
