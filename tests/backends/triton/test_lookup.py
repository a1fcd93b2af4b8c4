"""Drafts come from what was there before, and are made no longer than they pay."""

from hypothesis import given
from hypothesis import strategies as st

from gptoss.backends.triton.lookup import LONGEST_PAUSE, MATCH, Lookup

COST = 2.3


@given(st.lists(st.integers(0, 2**31 - 1) | st.integers(0, 1) | st.just(1 << 24), max_size=40), st.integers(1, 8))
def test_a_draft_is_what_followed_the_last_time(ids: list[int], count: int) -> None:
    lookup = Lookup(ids[:7], count, COST)
    for token in ids[7:]:
        lookup.add(token)
    text, expected = list(ids), []
    for start in reversed(range(MATCH, len(ids))):
        if ids[start - MATCH : start] == ids[-MATCH:]:
            for n in range(start, start + count):  # the text goes on with its own draft
                text.append(text[n])
            expected = text[len(ids) :]
            break
    assert lookup.draft() == expected


def test_text_that_never_repeats_itself_as_it_did_is_left_alone() -> None:
    lookup = Lookup([7] * 10, 3, COST)
    cost = 0.0
    for _ in range(20_000):
        if lookup.draft():
            lookup.learn(1)
            cost += COST
        else:
            cost += 1
        lookup.add(7)
    assert cost < 20_000 * (1 + COST / LONGEST_PAUSE)


def test_drafts_that_pay_are_made_all_the_time() -> None:
    lookup = Lookup([7] * 10, 3, COST)
    for gained in (4, 1, 4, 3, 4, 2, 4, 4):
        assert lookup.draft() == [7, 7, 7]
        lookup.learn(gained)


def test_after_a_pause_one_good_draft_is_enough() -> None:
    lookup = Lookup([7] * 10, 3, COST)
    while lookup.draft():
        lookup.learn(1)
    for _ in range(LONGEST_PAUSE):
        lookup.add(7)
    assert lookup.draft()
    lookup.learn(4)
    assert lookup.draft()
