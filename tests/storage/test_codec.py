import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.engine.errors import HistoryError
from gptoss.engine.events import (
    KINDS,
    Event,
    MessageAppended,
    SessionRenamed,
    TokensSampled,
    UnknownEvent,
)
from gptoss.engine.message import Message
from gptoss.storage.codec import decode, encode
from gptoss.storage.upcasters import UPCASTERS, Payload
from gptoss.storage.varint import decode_ids, encode_ids
from tests.storage.events import any_event, of_kind


@pytest.mark.parametrize("cls", KINDS.values(), ids=KINDS)
@given(data=st.data())
def test_every_kind_comes_back_as_it_was(cls: type[Event], data: st.DataObject) -> None:
    event = data.draw(of_kind(cls))
    kind, version, payload, tokens = encode(event)
    assert (kind, version) == (cls.__name__.encode(), cls.VERSION)
    assert decode(kind, version, payload, tokens) == event


@given(any_event)
def test_what_is_decoded_encodes_to_the_same_bytes(event: Event) -> None:
    encoded = encode(event)
    assert encode(decode(*encoded)) == encoded


def test_payloads_leave_out_defaults_and_token_ids() -> None:
    assert encode(TokensSampled(ids=(1, 200_000), elapsed_ms=7)) == (
        b"TokensSampled",
        1,
        b'{"elapsed_ms":7}',
        b"\x01\xc0\x9a\x0c",
    )
    said = MessageAppended(message=Message(role="user", content="é"))
    assert encode(said)[2] == '{"message":{"role":"user","content":"é"}}'.encode()


def test_logprobs_that_json_cannot_hold_come_back_as_nan() -> None:
    encoded = encode(TokensSampled(ids=(1, 2), logprobs=(-0.5, -math.inf)))
    event = decode(*encoded)
    assert isinstance(event, TokensSampled)
    assert event.logprobs is not None
    assert event.logprobs[0] == -0.5
    assert math.isnan(event.logprobs[1])


@pytest.mark.parametrize(
    "event",
    [TokensSampled(ids=(-1,)), SessionRenamed(name="\udc80")],
    ids=["a negative id", "half a surrogate pair"],
)
def test_what_cannot_be_stored_says_so(event: Event) -> None:
    with pytest.raises(HistoryError, match="cannot be stored"):
        encode(event)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"name":7}', b"{}", b"\xff"])
def test_a_payload_of_another_shape_is_refused(payload: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        decode(b"SessionRenamed", 1, payload, None)


def test_old_versions_are_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def to_2(payload: Payload) -> Payload:
        return {"title": payload["label"]}

    def to_3(payload: Payload) -> Payload:
        return {"name": payload["title"].capitalize()}

    monkeypatch.setattr(SessionRenamed, "VERSION", 3)
    monkeypatch.setitem(UPCASTERS, ("SessionRenamed", 1), to_2)
    assert decode(b"SessionRenamed", 1, b'{"label":"ada"}', None) == UnknownEvent(
        name="SessionRenamed", schema_version=1, payload='{"label":"ada"}'
    )
    monkeypatch.setitem(UPCASTERS, ("SessionRenamed", 2), to_3)
    assert decode(b"SessionRenamed", 1, b'{"label":"ada"}', None) == SessionRenamed(name="Ada")
    assert decode(b"SessionRenamed", 2, b'{"title":"bob"}', None) == SessionRenamed(name="Bob")


def test_an_upcaster_sees_the_token_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(payload: Payload) -> Payload:
        return {"ids": [number + 1 for number in payload["ids"]], "elapsed_ms": payload["ms"]}

    monkeypatch.setattr(TokensSampled, "VERSION", 2)
    monkeypatch.setitem(UPCASTERS, ("TokensSampled", 1), shifted)
    old = decode(b"TokensSampled", 1, b'{"ms":5}', encode_ids((1, 300)))
    assert old == TokensSampled(ids=(2, 301), elapsed_ms=5)


@given(st.lists(st.integers(0, 2**64), max_size=100).map(tuple))
def test_ids_survive_packing(ids: tuple[int, ...]) -> None:
    packed = encode_ids(ids)
    assert decode_ids(packed) == ids
    assert len(packed) == sum(max(1, -(-number.bit_length() // 7)) for number in ids)


@pytest.mark.parametrize("data", [b"\x80", b"\x05\xff"])
def test_ids_that_are_cut_short_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut short"):
        decode_ids(data)
