"""The command line: typer commands, the terminal, and bootstrap, the one place that wires adapters to ports."""
