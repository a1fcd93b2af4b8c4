"""Harmony written as text, for tests: special tokens by their names."""

from gptoss.engine.harmony import Harmony
from gptoss.engine.tokens import CALL, CHANNEL, CONSTRAIN, END, ENDOFTEXT, MESSAGE, RETURN, START

SPECIAL = {
    "<|start|>": START,
    "<|end|>": END,
    "<|message|>": MESSAGE,
    "<|channel|>": CHANNEL,
    "<|constrain|>": CONSTRAIN,
    "<|return|>": RETURN,
    "<|call|>": CALL,
    "<|endoftext|>": ENDOFTEXT,
}


def tokens(harmony: Harmony, text: str) -> list[int]:
    """Harmony text with special tokens by name."""
    ids: list[int] = []
    while text:
        name = next((name for name in SPECIAL if text.startswith(name)), None)
        if name:
            ids.append(SPECIAL[name])
            text = text[len(name) :]
        else:
            end = min((at for name in SPECIAL if (at := text.find(name)) >= 0), default=len(text))
            ids.extend(harmony.encode(text[:end]))
            text = text[end:]
    return ids
