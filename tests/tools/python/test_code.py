import pytest

from gptoss.tools.python.code import code_of


@pytest.mark.parametrize(
    "argument",
    [
        "x = 1\ny = 2",
        '{"code": "x = 1\\ny = 2"}',
        '{"input": "x = 1\\ny = 2"}',
        '{"code": "x = 1\ny = 2"}',
        "```python\nx = 1\ny = 2\n```",
        "```\nx = 1\ny = 2```\n",
        '{"code": "```py\\nx = 1\\ny = 2\\n```"}',
    ],
)
def test_takes_off_what_code_is_wrapped_in(argument: str) -> None:
    assert code_of(argument) == "x = 1\ny = 2"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "{",
        "{}",
        '{"a": 1}',
        '{"code": 1}',
        '{"code": "x", "language": "python"}',
        '{"name": "x"}',
        "{1, 2}",
        "{" * 10_000,
        '{"a":' * 10_000,
        "print('''```\nx\n```''')",
    ],
)
def test_leaves_everything_else_alone(code: str) -> None:
    assert code_of(code) == code


def test_half_a_character_becomes_a_question_mark() -> None:
    assert code_of('{"code": "\'\\ud83d\'"}') == "'?'"
