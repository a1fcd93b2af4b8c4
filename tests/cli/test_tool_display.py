"""What is seen of tools: calls, results, pictures, and the sources of an answer."""

import io
from pathlib import Path

import pytest

from gptoss.cli.blocks import PatchBlock
from gptoss.cli.display import Display
from gptoss.cli.kept import Kept
from gptoss.cli.output import Output
from gptoss.cli.results import COLUMNS, LINES, shown
from gptoss.engine.errors import StorageError
from gptoss.engine.events import Artefact, GenerationStarted, StoredEvent, ToolReturned
from gptoss.engine.message import Message
from gptoss.engine.parsing import MessageBegun, TextDelta
from gptoss.engine.settings import Sampling
from gptoss.tools.browser.page import MEDIA_TYPE, Page
from tests.contracts.tool import Blobs

PAGE = "[3] A title (https://a.example/)\n**viewing lines [0 - 2] of 9**\n\nL0: \nL1: URL: x\nL2: text"


def test_a_page_is_its_title_unless_it_is_asked_for() -> None:
    assert shown("browser.open", PAGE, pages=False) == "[3] A title (https://a.example/), lines 0 to 2 of 9"
    assert shown("browser.open", PAGE, pages=True) == PAGE
    assert shown("python", PAGE, pages=False) == PAGE
    assert shown("browser.open", "Error: no page is open yet.", pages=False) == "Error: no page is open yet."


def test_long_results_are_shortened() -> None:
    text = "\n".join(str(number) for number in range(LINES + 5))
    assert shown("python", text, pages=False).endswith(f"\n{LINES - 1}\n… 5 more lines")
    assert shown("python", "x" * (COLUMNS + 7), pages=False) == "x" * COLUMNS + " … 7 more characters"


def test_lines_of_a_patch_have_colours_however_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for size in (1, 3, 1000):
        stream = io.StringIO()
        block = PatchBlock(Output(stream), "")
        text = "*** x\n@@\n+new\n-old\n same\n\u2028+not a line\n"
        for start in range(0, len(text), size):
            block.write(text[start : start + size])
        block.end()
        plain = ""
        styles: dict[str, str] = {}
        style = ""
        for piece in stream.getvalue().split("\x1b["):
            code, _, rest = piece.partition("m") if piece[:1].isdigit() else ("0", "", piece)
            style = "" if code == "0" else code
            for character in rest:
                styles.setdefault(f"{plain.count(chr(10))}", style)
                plain += character
        assert plain == text
        assert styles == {"0": "1", "1": "36", "2": "32", "3": "31", "4": "", "5": ""}


class Watched:
    """A display whose tools have kept pages."""

    def __init__(self, cache: Path, *pages: Page) -> None:
        self.blobs = Blobs()
        self.kept = Kept(self.blobs.get, cache)
        self.answers, self.rest = io.StringIO(), io.StringIO()
        self.display = Display(Output(self.answers), Output(self.rest), kept=self.kept)
        for seq, page in enumerate(pages):
            self.returned(seq, self.artefact(page.encode(), "page.json", MEDIA_TYPE))

    def artefact(self, data: bytes, name: str, media_type: str) -> Artefact:
        return Artefact(digest=self.blobs.put(data), name=name, media_type=media_type, size=len(data))

    def returned(self, seq: int, *artefacts: Artefact) -> None:
        self.display.show(_stored(ToolReturned(call=seq, outcome="ok", artefacts=artefacts)))

    def says(self, *pieces: str) -> None:
        self.display.show(MessageBegun("final", None, None))
        for piece in pieces:
            self.display.show(TextDelta(piece))


def _stored(event: ToolReturned | GenerationStarted) -> StoredEvent:
    return StoredEvent(branch="", seq=1, position=1, time=0, event=event)


ONE = Page(url="https://one.example/", title="One", lines=("", "a"))
TWO = Page(url="https://two.example/", title="Two", lines=("", "b"))


def test_citations_become_numbers_as_they_stream(tmp_path: Path) -> None:
    watched = Watched(tmp_path, ONE, TWO)
    watched.says("First【", "1†L1", "】, then【0†L0-L1】, again【1†L1】, none【9†L1】, cut【0†")
    assert watched.answers.getvalue() == "First[1], then[2], again[1], none【9†L1】, cut"
    watched.display.end()
    assert watched.answers.getvalue().endswith("cut【0†\n")
    assert watched.rest.getvalue() == "\n[1] Two  https://two.example/\n[2] One  https://one.example/\n"


def test_a_continuation_counts_on(tmp_path: Path) -> None:
    watched = Watched(tmp_path, ONE, TWO)
    watched.says("First【1†L1】 and")
    watched.display.message(Message(role="assistant", channel="final", content="First【1†L1】 and"), partial=True)
    sampling = Sampling()
    started = GenerationStarted(
        backend="x", model="x", sampling=sampling, prompt_length=1, prompt_hash="", rendering="", continues=1
    )
    watched.display.show(_stored(started))
    watched.says("First【1†L1】 and", " then【0†L1】.")
    watched.display.end()
    assert "then[2]." in watched.answers.getvalue()
    assert watched.rest.getvalue().endswith("\n[1] Two  https://two.example/\n[2] One  https://one.example/\n")


def test_without_pages_an_answer_is_exact(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.says("As【0†L1】 it is.")
    watched.display.end()
    assert watched.answers.getvalue() == "As【0†L1】 it is.\n"


def test_pictures_are_files_whose_names_cannot_lead_astray(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    picture = watched.artefact(b"\x89PNG", "../../\x1b[2J/plot-1.png", "image/png")
    watched.returned(5, picture)
    watched.display.message(Message(role="tool", name="python", content="[image plot-1.png was shown to the user]"))
    (file,) = (tmp_path / "pictures").iterdir()
    assert file.read_bytes() == b"\x89PNG"
    assert file.name == f"{picture.digest[:12]}-.._..___2J_plot-1.png"
    assert f": {file}\n" in watched.rest.getvalue()


def test_a_picture_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    def gone(digest: str) -> bytes:
        raise StorageError("nothing is stored there")

    picture = Artefact(digest="0" * 64, name="plot-1.png", media_type="image/png", size=4)
    (said,) = Kept(gone, tmp_path).pictures([picture])
    assert said == ("plot-1.png", "cannot be shown (nothing is stored there)", b"")


def test_what_a_later_call_kept_is_forgotten_when_an_earlier_one_is_told_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path, ONE, TWO)
    watched.returned(1, watched.artefact(ONE.encode(), "page.json", MEDIA_TYPE))
    watched.says("Now【1†L1】.")
    watched.display.end()
    assert watched.rest.getvalue().endswith("[1] One  https://one.example/\n")
