"""What `gptoss export` can write."""

FORMATS = ("md", "json")
