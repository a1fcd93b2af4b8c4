"""What stands below the line."""

import pytest

from gptoss.cli.prompting import joined_facts

FACTS = ["1,108 of 8,192 tokens", "95 tokens/s", "torch", "reasoning low"]


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "1,108 of 8,192 tokens · 95 tokens/s · torch · reasoning low"),
        (40, "1,108 of 8,192 tokens · 95 tokens/s"),
        (21, "1,108 of 8,192 tokens"),
        (10, "1,108 of …"),
    ],
)
def test_as_many_facts_as_fit(width: int, line: str) -> None:
    assert joined_facts(FACTS, width) == line


def test_nothing_to_say() -> None:
    assert joined_facts([], 80) == ""
