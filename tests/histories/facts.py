"""What a history folds to, as facts that every release must agree on."""

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from gptoss.engine.events import StoredEvent
from gptoss.engine.reducer import fold


def digest(history: Iterable[StoredEvent]) -> str:
    """BLAKE2b-128, hex, of the facts. A field that a later release adds to the state changes nothing."""
    state = fold(history)
    generation = state.generation
    facts = {
        "session": state.session,
        "name": state.name,
        "settings": state.settings,
        "seq": state.seq,
        "turn": state.turn,
        "entries": [
            [entry.seq, entry.turn, entry.message, entry.tokens, entry.generation, entry.partial]
            for entry in state.entries
        ],
        "generation": generation
        and [generation.seq, generation.origin, generation.inherited, generation.ids[:], generation.finished],
        "call": state.call and state.call.seq,
        "artefacts": state.artefacts[:],
        "trimmed": state.trimmed,
    }
    return blake2b(msgspec.json.encode(facts, order="deterministic"), digest_size=16).hexdigest()
