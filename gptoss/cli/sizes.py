"""Bytes as people read them."""


def size(count: int) -> str:
    """Such as "512 bytes", "4.0 kB", "1.5 GB", in powers of 1000."""
    for unit, bytes_each in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= bytes_each:
            return f"{count / bytes_each:,.1f} {unit}"
    return f"{count} bytes"
