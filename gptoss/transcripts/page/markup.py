"""Markdown as a tree of plain lists, which the page turns into elements by name: no HTML is ever made of a text.

A node is a string or `[tag, child, ...]`, a link `["a", address, child, ...]`. Tags are those of `TAGS`; whatever a
model writes beyond them, such as HTML or a picture, stays text.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

Tree = list[Any]

LONGEST = 50_000
"""Characters. Beyond that a text is shown as it is: nobody reads it, and parsing it could take for ever."""

_NAMES = "p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong s hr br table thead tbody tr th td a"
TAGS = frozenset(re.findall(r"\w+", _NAMES))


def markup(text: str) -> Tree | None:
    """The tree of a text, or None where it is but one plain paragraph, or too long."""
    if len(text) > LONGEST or not text.strip():
        return None
    tree = _nested(_parser().parse(text))
    plain = len(tree) == 1 and tree[0][0] == "p" and all(isinstance(child, str) for child in tree[0][1:])
    return None if plain else tree


@cache
def _parser() -> MarkdownIt:
    # Only absolute addresses of these kinds become links; `validateLink` refuses scripts and data by itself.
    return (
        MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"]).disable("image")
    )


def _nested(tokens: Sequence[Token]) -> Tree:
    root: Tree = []
    stack: list[Tree] = [root]
    for token in tokens:
        if token.type == "inline":
            stack[-1].extend(_nested(token.children or []))
        elif token.type in ("fence", "code_block"):
            stack[-1].append(["pre", token.content.removesuffix("\n")])
        elif token.type == "code_inline":
            stack[-1].append(["code", token.content])
        elif token.type == "softbreak":
            stack[-1].append("\n")
        elif token.nesting == 1:
            node: Tree = [token.tag] if token.tag in TAGS else ["p"]
            if token.tag == "a":
                node = _link(str(token.attrGet("href") or ""))
            if not token.hidden:
                stack[-1].append(node)
                stack.append(node)
        elif token.nesting == -1:
            if not token.hidden:
                stack.pop()
        elif token.tag in TAGS:
            stack[-1].append([token.tag])
        elif token.content:
            stack[-1].append(token.content)
    return root


def _link(address: str) -> Tree:
    return ["a", address] if address.startswith(("https://", "http://", "mailto:")) else ["em"]
