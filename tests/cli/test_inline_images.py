"""Pictures in the terminals that can show them."""

import base64
import io
import re

import pytest

from gptoss.cli.inline_images import inline, protocol
from gptoss.cli.output import Output

PNG = b"\x89PNG" + bytes(range(256)) * 40
VARIABLES = ("TMUX", "STY", "TERM_PROGRAM", "TERM", "KITTY_WINDOW_ID")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "speaks"),
    [
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm", "TMUX": "/tmp/x,1,0"}, None),
        ({"TERM": "xterm-kitty", "STY": "1.x"}, None),
    ],
)
def test_only_terminals_that_say_so_get_pictures(
    environment: dict[str, str], speaks: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert protocol() == speaks
    assert (inline(PNG) is None) == (speaks is None)


def test_kitty_gets_it_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    pieces = re.findall(r"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", inline(PNG) or "")
    assert [control for control, _ in pieces] == ["a=T,f=100,m=1", *["m=1"] * (len(pieces) - 2), "m=0"]
    assert all(len(data) <= 4096 for _, data in pieces)
    assert base64.b64decode("".join(data for _, data in pieces)) == PNG
    assert inline(b"\xff\xd8\xff") is None, "it takes PNG alone"


def test_a_picture_stands_on_lines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM_PROGRAM", "iTerm.app")
    stream = Terminal()
    out = Output(stream)
    out.write("before")
    assert out.picture(PNG)
    out.write("after")
    assert re.fullmatch(r"before\n\x1b\]1337;File=inline=1;size=\d+:[^\x07]+\x07\nafter", stream.getvalue())
    assert not Output(io.StringIO()).picture(PNG), "a pipe gets none"
