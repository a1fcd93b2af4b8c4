"""HTML and Markdown to text and links, in the form that the model was trained to read.

lxml parses, which is the hard part of HTML; what is written here is only how each element reads as text. (The library
that this form comes from, html2text, is under the GPL and would bind whoever ships gptoss.) The tree is walked without
recursion, so that no page is nested too deeply.
"""

import re

from lxml import etree, html
from markdown_it import MarkdownIt
from msgspec import Struct

from gptoss.tools.browser.addresses import domain, join
from gptoss.tools.browser.provider import Document
from gptoss.tools.browser.text import LINK, clean, one_line

_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "menu"))
# fmt: off
_SKIPPED = frozenset((
    "audio", "canvas", "embed", "head", "iframe", "math", "noscript", "object", "script", "select", "style", "svg",
    "template", "textarea", "title", "video",
))
# These begin a new line, but no new paragraph.
_CLOSE = frozenset(("caption", "dd", "dt", "li", "summary", "tbody", "td", "tfoot", "th", "thead", "tr"))
_BLOCKS = frozenset((
    *_HEADINGS, *_LISTS, *_CLOSE, "address", "article", "aside", "blockquote", "body", "center", "details", "dialog",
    "div", "dl", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "legend", "main", "nav",
    "p", "pre", "section", "table",
))
# fmt: on
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)??---[ \t]*\n", re.DOTALL)
_LONGEST_LINK = 300


class Content(Struct, frozen=True, kw_only=True):
    """`text` holds the links as `【id†text】`; `links` are their URLs by id. The title is empty if there is none."""

    title: str = ""
    text: str = ""
    links: tuple[str, ...] = ()


def read(document: Document) -> Content:
    """The content of a document of any text type; what is neither HTML nor Markdown is shown as it is."""
    if document.media_type == "text/html":
        return read_html(document.content, document.url)
    if document.media_type == "text/markdown":
        return read_markdown(document.content, document.url)
    return Content(text=clean(document.content))


def read_html(source: str, url: str) -> Content:
    """The content of an HTML document or fragment that was found at `url`. Nothing is too broken to be read."""
    # Bytes, because lxml refuses text that declares an encoding. A lone surrogate cannot be encoded.
    data = source.encode("utf-8", "replace")
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(data, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return Content()
    base = root.find(".//base[@href]")
    writer = _Writer(url, url if base is None else join(url, base.get("href", "")) or url)
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        if event == "start":
            if _is_skipped(element):
                walker.skip_subtree()
            else:
                writer.start(element)
                writer.text(element.text)
        else:
            if not _is_skipped(element):
                writer.end(element)
            writer.text(element.tail)
    title = one_line(root.findtext(".//title") or "")
    return Content(title=title or writer.heading, text=writer.finish(), links=tuple(writer.links))


def read_markdown(source: str, url: str) -> Content:
    """The content of a Markdown document (CommonMark with tables); a title in its front matter counts."""
    source = source.replace("\r\n", "\n")
    title = ""
    if front := _FRONT_MATTER.match(source):
        source = source[front.end() :]
        named = re.search(r"^title:\s*(.+)$", front[1] or "", re.MULTILINE)
        title = one_line(named[1]).strip("\"'") if named else ""
    content = read_html(MarkdownIt("commonmark").enable("table").render(source), url)
    return Content(title=title or content.title, text=content.text, links=content.links)


def _is_skipped(element: etree._Element) -> bool:
    """What is not shown to a person is not shown to the model either."""
    return (
        element.tag in _SKIPPED or element.get("hidden") is not None or bool(_HIDDEN.search(element.get("style") or ""))
    )


def _is_link(element: etree._Element) -> bool:
    return element.tag == "a" and element.get("href") is not None


class _Writer:
    """Turns the starts, texts and ends of elements into lines.

    `inline` collects the paragraph under way; an element whose text is needed as a whole (a link, a heading) remembers
    where in it it began.
    """

    def __init__(self, url: str, base: str) -> None:
        self.links: list[str] = []
        self.heading = ""
        self._base = base
        self._site = domain(url)
        self._ids: dict[str, int] = {}
        self._lines: list[str] = []
        self._inline: list[str] = []
        self._begun: list[int] = []
        self._lists: list[int | None] = []  # the number of the item under way, None where items have no number
        self._quotes = 0
        self._pre = 0
        self._in_link = 0
        self._images = 0
        self._gap = False
        self._marker = ""

    def text(self, text: str | None) -> None:
        if text:
            text = clean(text)
            self._inline.append(text if self._pre else re.sub(r"\s+", " ", text))

    def start(self, element: etree._Element) -> None:
        tag = element.tag
        if tag in _BLOCKS:
            self._block(tag)
        if tag in _HEADINGS:
            self._marker += _HEADINGS[tag]
        elif tag in _LISTS:
            self._lists.append(_number(element.get("start")) if tag == "ol" else None)
        elif tag == "li":
            self._item()
        elif tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._pre += 1
        elif tag in ("sup", "sub") or _is_link(element):
            self._begun.append(len(self._inline))
            self._in_link += tag == "a"
        elif tag == "br":
            self._inline.append(" " if self._in_link else "\n")
        elif tag == "img":
            self._image(element.get("alt") or element.get("title") or "")
        elif tag == "code" and not self._pre:
            self._inline.append("`")

    def end(self, element: etree._Element) -> None:
        tag = element.tag
        if _is_link(element):
            self._in_link -= 1
            self._link(element.get("href", ""))
        elif tag in ("sup", "sub"):
            self._script("^" if tag == "sup" else "_")
        elif tag == "code" and not self._pre:
            self._inline.append("`")
        elif tag in _HEADINGS and not self.heading:
            self.heading = one_line(LINK.sub(r"\2", "".join(self._inline)))
        elif tag == "hr":
            self._inline.append("* * *")
        elif tag in ("td", "th") and not self._in_link and "".join(self._inline).strip():
            self._inline.append(" | ")
            return
        if tag in _LISTS:
            self._lists.pop()
        if tag in _BLOCKS:
            self._block(tag)
        if tag == "li" or tag in _HEADINGS:
            self._marker = ""  # of one that had no text
        elif tag == "blockquote":
            self._quotes -= 1
        elif tag == "pre":
            self._pre -= 1

    def finish(self) -> str:
        self._flush()
        return "\n".join(self._lines)

    def _block(self, tag: str) -> None:
        """A block begins or ends here. Inside of a link that is no more than a space."""
        if self._in_link:
            self._inline.append(" ")
        elif tag not in ("td", "th"):
            self._flush()
            self._gap = self._gap or not (tag in _CLOSE or self._lists)

    def _item(self) -> None:
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        self._marker = "* " if number is None else f"{number}. "

    def _flush(self) -> None:
        """Write the paragraph under way."""
        text = "".join(self._inline)
        self._inline.clear()
        if self._pre:
            lines = ["    " + line.rstrip() for line in text.expandtabs(4).strip("\n").split("\n")]
        else:
            lines = [line.strip().removesuffix(" |") for line in re.sub(r"[^\S\n]+", " ", text).strip().split("\n")]
        if not "".join(lines).strip():
            return
        if self._gap and self._lines:
            self._lines.append(("> " * self._quotes).rstrip() if self._lines[-1].startswith(">") else "")
        indent = "> " * self._quotes + "  " * len(self._lists)
        rest = "" if self._marker.startswith("#") else " " * len(self._marker)
        if self._lists and not self._marker:
            indent += "  "
        for number, line in enumerate(lines):
            self._lines.append((indent + (rest if number else self._marker) + line).rstrip())
        self._marker = ""
        self._gap = False

    def _taken(self) -> str:
        """The text since the element that ends here began, taken out of the paragraph."""
        begun = self._begun.pop() if self._begun else len(self._inline)
        text = "".join(self._inline[begun:])
        del self._inline[begun:]
        return text

    def _link(self, href: str) -> None:
        text = self._taken()
        shown = one_line(text, 10**9).replace("†", "‡")
        target = None if href.lstrip().startswith("#") else join(self._base, href)
        if not target or not shown:
            self._inline.append(text)
            return
        number = self._ids.setdefault(target, len(self._ids))
        if number == len(self.links):
            self.links.append(target)
        if len(shown) > _LONGEST_LINK:
            self._inline.append(text)
            shown = "link"
        site = domain(target)
        space = text[:1].strip(), text[-1:].strip()
        self._inline += ["" if space[0] else " ", f"【{number}†{shown}", "" if site == self._site else f"†{site}", "】"]
        self._inline.append("" if space[1] else " ")

    def _script(self, mark: str) -> None:
        text = self._taken()
        self._inline.append(f"{mark}{{{text}}}" if re.fullmatch(r"[\w-]+", text) else text)

    def _image(self, name: str) -> None:
        name = one_line(name)
        self._inline.append(f"[Image {self._images}: {name}]" if name else f"[Image {self._images}]")
        self._images += 1


def _number(start: str | None) -> int:
    return int(start) if start and start.isdecimal() and len(start) < 10 else 1
