"""Alembic's migrations of the event log, applied by `gptoss.storage.migrating` when a database is opened."""
