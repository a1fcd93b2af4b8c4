"""Any event, for property tests."""

from hypothesis import strategies as st

from gptoss.engine.events import KINDS, BranchForked, Event, SessionStarted, TokensSampled, UnknownEvent

# JSON text is UTF-8, so it cannot hold half of a surrogate pair.
text = st.text(st.characters(codec="utf-8"), max_size=40)
number = st.integers()

st.register_type_strategy(str, text)
st.register_type_strategy(int, number)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))

token_ids = st.lists(st.integers(0, 2**32), max_size=60).map(tuple)

tokens_sampled = st.builds(
    TokensSampled,
    ids=token_ids,
    elapsed_ms=number,
    logprobs=st.none() | st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5).map(tuple),
)
unknown = st.builds(
    UnknownEvent,
    name=text.filter(lambda name: name not in KINDS),
    schema_version=st.integers(0, 2**32 - 1),
    payload=text,
    tokens=st.none() | st.binary(max_size=30),
)


def of_kind(cls: type[Event]) -> st.SearchStrategy[Event]:
    return tokens_sampled if cls is TokensSampled else st.builds(cls)


any_event: st.SearchStrategy[Event] = st.one_of(*(of_kind(cls) for cls in KINDS.values()), unknown)
"""Whatever can be encoded."""

appendable: st.SearchStrategy[Event] = st.one_of(
    *(
        of_kind(cls)
        for name, cls in KINDS.items()
        if cls not in (SessionStarted, BranchForked) and name not in ("SessionRenamed", "ToolReturned")
    ),
    unknown,
)
"""What can be appended to any branch as it is: no names that may be taken, no artefacts that may be missing."""
