"""Run by Alembic. The caller passes a connection, inside whose transaction everything happens or nothing."""

from alembic import context

from gptoss.storage.tables import metadata

# Alembic's own transaction would commit between migrations; the caller's does not.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
