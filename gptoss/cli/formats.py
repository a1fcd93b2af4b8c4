"""What `gptoss export` can write, and how such files end."""

FORMATS = {
    "md": ".md",
    "json": ".json",
    "jsonl": ".jsonl",
    "html": ".html",
    "harmony": ".harmony.jsonl",
    "openai": ".openai.json",
    "sharegpt": ".sharegpt.json",
    "cast": ".cast",
}

EXACT = ("jsonl",)
"""Those that say everything or are worth nothing: no part of them can be left out."""
