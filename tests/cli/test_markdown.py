"""Markdown is cut into blocks that nothing later can change, and laid out once each."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.cli.markdown import MarkdownBlock, MarkdownStream
from gptoss.cli.output import Output

TEXT = """# Title
Hello *world*, this is **bold** and `code`.
Second line.

- one
- two
  more of two
- three

1. first
2. second

```python
x = 1

y = 2
```

| a | b |
| - | - |
| 1 | 2 |

> quote

last"""

BLOCKS = [
    "# Title\n",
    "Hello *world*, this is **bold** and `code`.\nSecond line.\n\n",
    "- one\n",
    "- two\n  more of two\n",
    "- three\n\n",
    "1. first\n",
    "2. second\n\n",
    "```python\nx = 1\n\ny = 2\n```\n",
    "\n| a | b |\n| - | - |\n| 1 | 2 |\n\n",
    "> quote\n\n",
    "last",
]


class Screen(io.StringIO):
    """A terminal of 80 columns that remembers what was sent to it."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("no window")


def shown(pieces: list[str]) -> str:
    """What stays on the screen: without colours, and without what passed by."""
    screen = Screen()
    block = MarkdownBlock(Output(screen))
    for piece in pieces:
        block.write(piece)
    block.end()
    kept = re.sub(r"\r\x1b\[2K[^\r\n]*(?=\r\x1b\[2K)", "", screen.getvalue())
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\r", "", kept)


def test_blocks_come_as_soon_as_they_are_complete() -> None:
    stream = MarkdownStream()
    found = [piece for character in TEXT for piece in stream.push(character)]
    assert [*found, stream.finish()] == BLOCKS


@given(st.lists(st.sampled_from([*BLOCKS, "\n", "text ", "- ", "```\n", "    code\n", "* x\n", "#", "| a |\n"])))
def test_nothing_is_lost_or_doubled_however_it_streams(parts: list[str]) -> None:
    text = "".join(parts)
    stream = MarkdownStream()
    pieces = [piece for character in text for piece in stream.push(character)]
    assert "".join([*pieces, stream.finish()]) == text


def test_it_is_laid_out_the_same_however_it_streams() -> None:
    whole = shown([TEXT])
    assert shown(list(TEXT)) == whole
    lines = whole.splitlines()
    assert lines[:4] == ["Title", "", "Hello world, this is bold and code.", "Second line."]
    assert " • two more of two" in lines
    assert [line.strip() for line in lines if "x = 1" in line or "y = 2" in line] == ["x = 1", "y = 2"]
    assert not any(mark in whole for mark in ("**", "`", "| a"))


def test_what_a_model_writes_controls_no_terminal() -> None:
    screen = Screen()
    block = MarkdownBlock(Output(screen))
    block.write("\x1b]0;owned\x07 **x** \x1b[2J\n\n`\x1b[31m`")
    block.end()
    assert "\x1b]0" not in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_the_line_that_is_written_grows_and_begins_anew_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[str] = []
    monkeypatch.setattr(Output, "transient", lambda self, text: passed.append(text))
    monkeypatch.setattr(Output, "width", 21)
    block = MarkdownBlock(Output(io.StringIO()))
    for word in "The quick brown fox jumps over 中文没有空格所以可以 anextremelylongwordthatdoesnotfit on\nanother":
        block.write(word)
    grown = [text.rstrip() for text, after in zip(passed, [*passed[1:], ""], strict=True) if not after.startswith(text)]
    assert grown == [
        "The quick brown fox",
        "jumps over 中文没有",
        "中文没有空格所以可以",
        "anextremelylongwordt",
        "hatdoesnotfit on",
        "another",
    ]


def test_the_newest_words_pass_by_until_a_block_is_complete() -> None:
    screen = Screen()
    block = MarkdownBlock(Output(screen))
    block.write("The answer is ")
    assert screen.getvalue().endswith("The answer is \x1b[0m")
    block.write("42.\n\n")
    assert "The answer is 42.\n" in screen.getvalue()
