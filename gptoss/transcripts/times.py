"""Times as people and programs read them."""

from time import gmtime, strftime


def iso(time: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC."""
    seconds, micros = divmod(time, 1_000_000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(seconds))}.{micros:06}Z"
