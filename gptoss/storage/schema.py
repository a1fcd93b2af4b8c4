"""Which schema this release reads and writes.

Opening a database that is up to date compares its stored revision with this constant: importing Alembic to ask for its
newest one would cost more than listing all sessions.
"""

from gptoss.engine.errors import SchemaTooNew

REVISION = "0002"
"""The newest migration in `gptoss.migrations` (a test holds the two equal). Revisions are numbered upwards."""


def is_current(revision: str, where: str) -> bool:
    """Whether a database needs no migration; SchemaTooNew when a newer release has migrated it."""
    if revision > REVISION:
        raise SchemaTooNew(
            f"{where} was written by a newer gptoss (schema {revision}, this one knows {REVISION}): "
            "upgrade gptoss, or choose another database with --db"
        )
    return revision == REVISION
