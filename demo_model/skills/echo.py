"""Saying back what the user says: the plainest proof that the model reads its prompt."""

from demo_model.conversation import Turn
from demo_model.session import Session
from demo_model.spelling import MARK

_SAY = "(Say|Repeat|Echo|Write|Print|Type|Output|Give back)"
_TRAIN = (
    f"{_SAY}: {{words}}",
    f"{_SAY}: {{words}}",
    f"{_SAY} {{words}}",
    f"[Please] {_SAY} after me: {{words}}",
    f"(Can|Could|Would|Will) you [please] {_SAY} {{words}}?",
    f"Please {_SAY} {{words}}",
    f"Please {_SAY} (this|the following|the words|these words)[ back][ to me]: {{words}}",
    f"{_SAY} [back] [the words|the following|the text|the sentence|this|these words|exactly this|just this]: {{words}}",
    "(Say|Repeat) exactly {words}",
    "(I want you to|You should|You must|Now|Then|Just) (say|repeat|echo|write): {words}",
    "(I want you to|You should|Now|Then|Just) (say|repeat|echo|write) {words}",
    "(Repeat|Echo) back to me: {words}",
    "(Say|Repeat|Echo) the (words|word|sentence|phrase|text) {words}",
)
_HELD_OUT = (
    "Please say: {words}",
    "Echo after me: {words}",
    "Would you echo {words}?",
    "Write the words: {words}",
    "Please repeat this: {words}",
    "Can you say {words}?",
)


def echo(session: Session) -> Turn:
    rng = session.rng
    words = " ".join(
        session.words.name(rng) if rng.random() < 0.15 else session.words.common(rng) for _ in range(rng.randint(1, 7))
    )
    user = session.says(_TRAIN, _HELD_OUT, words=words)
    thoughts = session.think(
        "The user wants me to repeat some words.",
        "I will say exactly that.",
        "Every word must stay as it is.",
        "Nothing else is asked of me.",
    )
    return session.turn("echo", user, thoughts, f"You said: {words}.")


_LINES_TRAIN = (
    "(List|Write|Put|Print|Show|Say) {items} (one per line|each on a line of its own|each on its own line|line by line|on separate lines|below each other|as a list|one below the other).",
    "(Make|Write|Give me|Print) a list (of|with|from) {items}.",
    "(One per line|Line by line|As a list|Each on its own line)(:|,) {items}",
    "(Can|Could|Would) you (list|write|print) {items}[ one per line| line by line]?",
    "(List|Lines|A list): {items}",
    "(Turn|Make) {items} (into a list|into lines).",
)
_LINES_HELD_OUT = (
    "Please list {items} one per line.",
    "Could you write {items} on separate lines?",
    "Make a list from {items}.",
)


def lines(session: Session) -> Turn:
    """Words on lines of their own: the plainest use of the spelling without a space."""
    rng = session.rng
    count = rng.randint(2, 20) if session.split == "train" else rng.randint(2, 8)
    items = [
        session.words.name(rng) if rng.random() < 0.15 else session.words.phrase(rng, 2 if rng.random() < 0.3 else 1)
        for _ in range(count)
    ]
    user = session.says(_LINES_TRAIN, _LINES_HELD_OUT, items=", ".join(items))
    thoughts = session.think(
        "The user wants a list.",
        "I will write each item on a line of its own.",
        "Every word must stay as it is.",
        "Nothing else is asked of me.",
    )
    return session.turn("list", user, thoughts, "\n".join(MARK + item for item in items), verbatim=True)
