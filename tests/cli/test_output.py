"""A stream gets what it can take."""

import fcntl
import io
import os
import pty
import struct
import termios
from pathlib import Path

import pytest

from gptoss.cli.output import Output, OutputClosed, OutputFailed

HOSTILE = "a\x1b[31mb\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_pipe_gets_the_exact_text() -> None:
    file = io.StringIO()
    Output(file).write(HOSTILE, "dim")
    assert file.getvalue() == HOSTILE


def test_a_terminal_gets_harmless_text_in_colour() -> None:
    file = Terminal()
    Output(file).write(HOSTILE, "dim")
    assert file.getvalue() == "\x1b[2ma␛[31mb\n\x1b[0m"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False), ({}, True)],
)
def test_colours_can_be_refused(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Output(Terminal()).is_coloured is coloured


def test_colours_can_be_forced_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert Output(io.StringIO()).is_coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Output(io.StringIO()).is_coloured


def test_a_line_stands_alone() -> None:
    file = io.StringIO()
    output = Output(file)
    output.write("unfinished")
    output.line("whole")
    output.end_line()
    output.line()
    assert file.getvalue() == "unfinished\nwhole\n\n"


def test_a_reader_that_went_away_is_not_an_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as file:
        output = Output(file)
        with pytest.raises(OutputClosed):
            output.write("text")
        void = os.open(os.devnull, os.O_WRONLY)
        os.dup2(void, file.fileno())
        os.close(void)


def test_a_full_disk_is_an_error() -> None:
    with Path("/dev/full").open("w") as file:
        with pytest.raises(OutputFailed, match="No space left"):
            Output(file).write("text")
        void = os.open(os.devnull, os.O_WRONLY)
        os.dup2(void, file.fileno())
        os.close(void)


def test_the_width_is_that_of_the_terminal() -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    with os.fdopen(slave, "w") as file:
        assert Output(file).width == 40
    os.close(master)
    assert Output(io.StringIO()).width == 0
