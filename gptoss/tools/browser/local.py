"""A folder of HTML and Markdown files as a small web: no key, no network."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

from msgspec import Struct

from gptoss.engine.errors import UsageError
from gptoss.tools.browser import ranking
from gptoss.tools.browser.html import read
from gptoss.tools.browser.making import name_of
from gptoss.tools.browser.provider import BrowserError, Document, Hit
from gptoss.tools.browser.text import LINK, one_line, shorten

MEDIA_TYPES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
}
MOST_FILES = 5000
MOST_BYTES = 2_000_000
TITLE_WEIGHT = 3
SUMMARY = 200
_INDEXES = ("index.html", "index.htm", "index.md", "README.md")
_NO_PAGE = "there is no such page. Use browser.search to find one"


class _Indexed(Struct, frozen=True, kw_only=True):
    """A file as the search knows it. `stamp` tells whether the file has changed since."""

    stamp: tuple[int, int]
    title: str
    paragraphs: tuple[str, ...]
    counts: Counter[str]


class LocalProvider:
    """Searches and opens the files below `folder`; its pages are at `local://NAME/PATH`, NAME being the folder's.

    Nothing outside of the folder is read, whatever a URL or a symbolic link says, and no hidden file. The files are
    indexed at the first search; one that changed is read again at the next.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"the browser cannot read {folder}: it is no folder; name one that holds HTML or Markdown")
        self._folder = folder.resolve()
        self.root = f"local://{quote(self._folder.name or 'files', safe='')}/"
        self._index: dict[Path, _Indexed] = {}

    async def search(self, query: str, count: int) -> Sequence[Hit]:
        return await asyncio.to_thread(self._search, query, count)

    async def fetch(self, url: str) -> Document:
        return await asyncio.to_thread(self._fetch, url)

    def _search(self, query: str, count: int) -> list[Hit]:
        self._refresh()
        files = list(self._index.items())
        documents = [indexed.counts for _, indexed in files]
        known = ranking.weights(query, documents)
        # The order of equals is that of their paths, the same every time.
        ranked = sorted(zip(ranking.scores(query, documents), files, strict=True), key=lambda entry: -entry[0])
        return [
            Hit(title=indexed.title, url=self._url(path), summary=_best(indexed.paragraphs, known))
            for score, (path, indexed) in ranked[:count]
            if score > 0
        ]

    def _fetch(self, url: str) -> Document:
        path = self._path(url)
        try:
            if path.is_dir():
                index = next((path / name for name in _INDEXES if (path / name).is_file()), None)
                return self._listing(path) if index is None else self._read(index)
            return self._read(path)
        except (OSError, KeyError) as error:
            raise BrowserError(_NO_PAGE) from error

    def _path(self, url: str) -> Path:
        """The file that a URL names, below the folder and not hidden. Raises BrowserError."""
        if "://" in url and not url.startswith(self.root):
            raise BrowserError(f"this browser is offline and has only the pages of {self.root}")
        # What follows a page's path in a URL chooses a part of it, which here is the page itself.
        relative = unquote(re.split(r"[?#]", url.removeprefix(self.root))[0]).lstrip("/")
        try:
            path = (self._folder / relative).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a null character, a loop of links
            raise BrowserError(_NO_PAGE) from error
        if not url or not path.is_relative_to(self._folder) or _is_hidden(path.relative_to(self._folder)):
            raise BrowserError(_NO_PAGE)
        return path

    def _url(self, path: Path) -> str:
        return self.root + quote(path.relative_to(self._folder).as_posix())

    def _read(self, path: Path) -> Document:
        """The file as a document. Raises OSError, or KeyError for a type that is not read."""
        media_type = MEDIA_TYPES[path.suffix.lower()]
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        text = data[:MOST_BYTES].decode("utf-8-sig", "replace")
        return Document(url=self._url(path), content=text, media_type=media_type, cut=len(data) > MOST_BYTES)

    def _listing(self, folder: Path) -> Document:
        """What a folder without an index holds, as a page of links."""
        names = [
            path.name + "/" * path.is_dir()
            for path in sorted(folder.iterdir())
            if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() in MEDIA_TYPES)
        ]
        items = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>' for name in names)
        url = self.root if folder == self._folder else self._url(folder) + "/"
        return Document(url=url, title=f"Pages of {unquote(url)}", content=f"<ul>{items}</ul>")

    def _refresh(self) -> None:
        """Bring the index up to date with the folder."""
        found: dict[Path, _Indexed] = {}
        for path in sorted(self._files()):
            try:
                status = path.stat()
                stamp = (status.st_mtime_ns, status.st_size)
                known = self._index.get(path)
                found[path] = known if known is not None and known.stamp == stamp else self._indexed(path, stamp)
            except OSError:  # a file that may not be read, or that has gone meanwhile, is not there
                continue
        self._index = found

    def _files(self) -> Iterator[Path]:
        """The files that can be pages, at most MOST_FILES."""
        count = 0
        for folder, folders, names in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if name.startswith(".") or path.suffix.lower() not in MEDIA_TYPES or not path.is_file():
                    continue
                if path.is_symlink() and not path.resolve().is_relative_to(self._folder):
                    continue
                count += 1
                if count > MOST_FILES:
                    return
                yield path

    def _indexed(self, path: Path, stamp: tuple[int, int]) -> _Indexed:
        document = self._read(path)
        content = read(document)
        title = content.title or name_of(document.url)
        text = LINK.sub(r"\2", content.text)
        counts = Counter(ranking.words(text)) + Counter(ranking.words(title) * TITLE_WEIGHT)
        paragraphs = tuple(one_line(part, 2000) for part in re.split(r"\n\s*\n", text) if not part.startswith("#"))
        return _Indexed(stamp=stamp, title=title, paragraphs=paragraphs, counts=counts)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _best(paragraphs: Sequence[str], weights: Mapping[str, float]) -> str:
    """The first of the paragraphs that hold most of what was asked for, cut to two sentences' length."""

    def worth(paragraph: str) -> float:
        return sum(weights.get(word, 0) for word in set(ranking.words(paragraph)))

    return shorten(max(paragraphs, key=worth, default=""), SUMMARY)
