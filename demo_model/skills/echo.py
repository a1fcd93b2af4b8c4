"""Saying back what the user says: the plainest proof that the model reads its prompt."""

from demo_model.conversation import Turn
from demo_model.session import Session

_TRAIN = (
    "(Say|Repeat|Write|Print|Echo): {words}",
    "(Say|Repeat|Echo) {words}",
    "(Repeat|Say) after me: {words}",
    "(Can|Could|Would) you (say|repeat) {words}?",
    "Please (say|repeat|echo) {words}",
    "(Say|Repeat|Write) [the words|the following|this]: {words}",
)
_HELD_OUT = ("Please say: {words}", "Echo after me: {words}", "Would you echo {words}?", "Write the words: {words}")


def echo(session: Session) -> Turn:
    rng = session.rng
    words = " ".join(
        session.words.proper(rng) if rng.random() < 0.2 else session.words.lower(rng) for _ in range(rng.randint(1, 6))
    )
    user = session.says(_TRAIN, _HELD_OUT, words=words)
    thoughts = session.think(
        "The user wants me to repeat some words.",
        "I will say exactly that.",
        "Every word must stay as it is.",
        "Nothing else is asked of me.",
    )
    return session.turn("echo", user, thoughts, f"You said: {words}.")
