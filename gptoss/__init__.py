"""gptoss: an event-sourced chat engine for OpenAI's gpt-oss models."""

__version__ = "0.1.0.dev0"
