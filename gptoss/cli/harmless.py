"""Text from a model, a tool or a file, made safe to show on a terminal.

A terminal obeys control sequences: they can retitle the window, write to the clipboard, hide what was printed before.
A model may have read such a sequence on a web page and repeat it. Nothing but text, newlines and tabs gets through;
what is taken out stays visible as a symbol.
"""

_NAMED: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"},  # ␀ to ␟
    0x7F: "\u2421",
    **{code: f"\\x{code:02x}" for code in range(0x80, 0xA0)},  # C1: an eight-bit terminal takes \x9b for ESC [
    # Embeddings, overrides and isolates: they show text in another order than it was written.
    **{code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    # Half a character cannot be encoded.
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}


def harmless(text: str) -> str:
    """The text with every control character (except newline and tab) and bidirectional override made visible."""
    # Most text has none; `isprintable` looks at it at the speed of memory.
    return text if text.isprintable() else text.translate(_NAMED)
