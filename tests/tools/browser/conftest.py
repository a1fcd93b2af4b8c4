from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.browser.servers import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder for the local provider, and files beside it that are none of its business."""
    folder = tmp_path / "notes"
    (folder / "boats").mkdir(parents=True)
    (tmp_path / "secret.md").write_text("# Secret\n\nThe password of the dragon is rosebud.")
    (folder / "boats" / "dragon-boats.md").write_text(
        "# Dragon boats\n\nA dragon boat is a long narrow boat. Its crew is twenty paddlers, a drummer and a helm. "
        "See [Rowing](rowing.md) or [the federation](https://dragonboat.example/).\n\n* length: 12 metres\n\n"
        "The drummer sets the pace.\n"
    )
    (folder / "boats" / "rowing.md").write_text("# Rowing\n\nA rowing eight has a crew of nine, the cox included.\n")
    (folder / "harbour.html").write_text(
        "<title>Harbour</title><p>The harbour lends dragon boats on Sundays.</p><p>It has a café.</p>"
    )
    (folder / "plain.txt").write_text("Only <b>text</b>.")
    (folder / ".hidden.md").write_text("A hidden dragon.")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    return folder
