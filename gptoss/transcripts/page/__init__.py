"""A session as one HTML page that needs nothing else: no network, no other file.

The page is a template, a style sheet and a few scripts, which fold the updates of `gptoss.transcripts.page.feed` into
what is seen. Nothing that a model, a tool or a user wrote is ever parsed as HTML: it travels as JSON and is shown as
text. The policy in the page's head lets no script and no style run but its own, known by their hashes.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import islice
from typing import Any

import msgspec
from jinja2 import Environment, Template
from markupsafe import Markup

from gptoss import __version__
from gptoss.transcripts.page.spelling import Update

SCRIPTS = ("model.js", "elements.js", "cards.js", "xray.js", "charts.js", "player.js", "page.js")
"""In this order, as one script."""

AT_ONCE = 200
"""Updates in a piece of the page: the template takes longer over a piece than over what is in it."""


def page(name: str, updates: Iterable[Update], *, live: bool = False) -> Iterator[str]:
    """The page of a session called `name`, piece by piece. A live one asks its server for further updates."""
    style, script = _text("page.css"), "\n".join(map(_text, SCRIPTS))
    yield from _template().generate(
        name=name,
        version=__version__,
        live=live,
        policy=policy(live=live),
        style=Markup(style),  # noqa: S704  our own
        script=Markup(script),  # noqa: S704
        data=(Markup(piece) for piece in _data(updates)),  # noqa: S704  escaped by `to_script`
    )


@cache
def policy(*, live: bool) -> str:
    """The content security policy."""
    style, script = _text("page.css"), "\n".join(map(_text, SCRIPTS))
    rules = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    if live:
        rules["connect-src"] = "'self'"
    return "; ".join(f"{rule} {value}" for rule, value in rules.items())


def to_script(value: Any) -> str:
    """JSON that may stand in a script element: no text in it can end the element or begin a comment."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")


def _data(updates: Iterable[Update]) -> Iterator[str]:
    written = map(to_script, updates)
    before = "["
    while some := list(islice(written, AT_ONCE)):
        yield before + ",\n".join(some)
        before = ",\n"
    yield "]" if before != "[" else "[]"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8").strip()


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_text("page.html.jinja"))
