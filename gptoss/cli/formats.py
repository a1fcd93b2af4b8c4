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


def format_of(file: str) -> str | None:
    """The format that the file's ending names, if any; of `.harmony.jsonl` and `.jsonl` the longer one counts."""
    endings = {ending: name for name, ending in FORMATS.items() if file.lower().endswith(ending)}
    return endings[max(endings, key=len)] if endings else None
