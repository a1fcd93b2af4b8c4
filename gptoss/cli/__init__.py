"""The command line: `app` has the commands, `bootstrap` and `toolbox` wire adapters, `display` shows a conversation.

Nothing here is imported by another package. Modules import what is heavy (typer, SQLAlchemy, torch, prompt_toolkit)
inside the functions that need it, so that listing and exporting sessions start at once.
"""
