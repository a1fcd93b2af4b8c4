"""Takes out of a text what its owner would not want to share: likely secrets, home folders, user names.

It errs on the side of removing: a random string after "token=" goes, whatever it was. It is a helper, not a promise:
what looks like ordinary words stays, and pictures are not looked into.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")

_NOT_A_NAME = frozenset({"root", "user", "users", "home", "you", "me", "name", "runner", "ubuntu", "shared", "public"})
"""Folders below /home and /Users that name nobody; "root" in a text is rarely a person either."""

_KEPT = frozenset(
    {"id", "digest", "model", "hash", "prompt_hash", "branch", "parent", "kind", "role", "channel", "format", "time"}
)
"""Keys whose values are identifiers and vocabulary, random-looking or not."""

_WORDS = frozenset("stop length interrupted error crashed ok unavailable low medium high trim".split())  # noqa: SIM905
"""Values out of a fixed set, whatever somebody is called."""

_PART = r"[^\s/\\:\"'<>|,;!?*`()\[\]{}"
_HOME = re.compile(rf"(?:/home/|/Users/|[A-Za-z]:\\{{1,2}}Users\\{{1,2}})(?P<name>{_PART}]*{_PART}.])")


_NAMED = "password or key"
_LEAST = 6
"""Characters of a password that is looked for elsewhere too."""


class _Kind(NamedTuple):
    """What a pattern finds; the group "secret", if it `names` one, is the part to be removed."""

    name: str
    pattern: re.Pattern[str]
    names: bool


_SECRETS = tuple(
    _Kind(name, re.compile(pattern), "(?P<secret>" in pattern)
    for name, pattern in (
        (
            "private key",
            r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
            r"(?:-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
        ),
        (
            "API key",
            r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
            r"|glpat-[A-Za-z0-9_-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}"
            r"|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{50,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
            r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,})",
        ),
        ("token", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
        ("token", r"(?i)\b(?:bearer|basic)\s+(?P<secret>[A-Za-z0-9._~+/-]{16,}=*)"),
        (
            "password in a URL",
            r"\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/:@\"'<>]{0,200}:(?P<secret>[^\s/@\"'<>]{1,500})@",
        ),
        (
            _NAMED,
            r"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
            r"[\"']?\s*(?:=|:|=>)\s*\\?[\"']?(?P<secret>[^\s\"'\\&,;<>(){}\[\]]{6,})",
        ),
    )
)


class _Found(NamedTuple):
    start: int
    end: int
    kind: str
    instead: str


class Redactor:
    """Removes from texts, and remembers what it removed. `names` are user names to begin with.

    A name that a home folder gives away is removed wherever it stands from then on, and so is a password that something
    calls one, unless it looks like a word: so `learn` from everything first.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._name: re.Pattern[str] | None = None
        self._secrets: set[str] = set()
        self._secret: re.Pattern[str] | None = None
        self._removed: Counter[str] = Counter()
        self._add(names)

    @property
    def removed(self) -> list[str]:
        """A line for everything that was removed, with how often; secrets are only hinted at."""
        return [what if times == 1 else f"{what}, {times} times" for what, times in sorted(self._removed.items())]

    def learn(self, text: str) -> None:
        """Look for user names and passwords in a text."""
        self._add(match["name"] for match in _HOME.finditer(text))
        naming = (kind.pattern for kind in _SECRETS if kind.names)
        named = {match["secret"].strip(".:!?") for pattern in naming for match in pattern.finditer(text)}
        new = {secret for secret in named if len(secret) >= _LEAST and not secret.isalpha()} - self._secrets
        if new:
            self._secrets |= new
            self._secret = _any_of(self._secrets)

    def text(self, text: str) -> str:
        """The text without what is to be removed."""
        parts, at = [], 0
        for found in self._find(text):
            parts += [text[at : found.start], found.instead]
            at = found.end
        return "".join([*parts, text[at:]])

    def pieces(self, pieces: Sequence[str]) -> list[str]:
        """The same for a text that comes in pieces, such as tokens: a find may begin in one and end in another."""
        found = self._find("".join(pieces))
        redacted, at, number = [], 0, 0
        for piece in pieces:
            end = at + len(piece)
            kept, here = "", at
            while number < len(found) and found[number].start < end:
                one = found[number]
                kept += piece[here - at : max(one.start, here) - at] + (one.instead if one.start >= at else "")
                here = min(one.end, end)
                if one.end > end:
                    break
                number += 1
            redacted.append(kept + piece[here - at :])
            at = end
        return redacted

    def value(self, value: T, type: Callable[..., T] | Any) -> T:
        """A struct, list or mapping of that type with all its texts redacted, identifiers left alone."""
        redacted: T = msgspec.convert(self._walk(msgspec.to_builtins(value)), type)
        return redacted

    def learn_from(self, value: Any) -> None:
        """Look for user names and passwords in all texts of a struct, list or mapping."""
        self.learn(msgspec.json.encode(value).decode().replace("\\n", "\n"))

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if value in _WORDS else self.text(value)
        if isinstance(value, dict):
            return {key: each if key in _KEPT else self._walk(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(each) for each in value]
        return value

    def _add(self, names: Iterable[str]) -> None:
        new = {name for name in names if len(name) > 2 and name.lower() not in _NOT_A_NAME and not name.startswith("[")}
        if not new <= self._names:
            self._names |= new
            self._name = _any_of(self._names)

    def _find(self, text: str) -> list[_Found]:
        """What is to be removed, in order, without overlaps; counts it."""
        found: list[_Found] = []
        for kind, pattern, names in _SECRETS:
            for match in pattern.finditer(text):
                group = "secret" if names else 0
                found.append(_Found(*match.span(group), kind, f"[{kind} removed]"))
        if self._secret is not None:
            again = self._secret.finditer(text)
            found += [_Found(*match.span(), _NAMED, f"[{_NAMED} removed]") for match in again]
        found += [_Found(*match.span(), "home folder", "~") for match in _HOME.finditer(text)]
        if self._name is not None:
            found += [_Found(*match.span(), "user name", "[user]") for match in self._name.finditer(text)]
        # Those that overlap go together, by the name of the first of them.
        found.sort(key=lambda one: (one.start, -one.end))
        apart: list[_Found] = []
        for one in found:
            if apart and one.start < apart[-1].end:
                apart[-1] = apart[-1]._replace(end=max(one.end, apart[-1].end))
            elif one.start < one.end:
                apart.append(one)
        self._removed.update(_described(one.kind, text[one.start : one.end]) for one in apart)
        return apart


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """The longest of these words that stands somewhere by itself."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(f"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])")


def _described(kind: str, text: str) -> str:
    if kind in ("home folder", "user name"):
        return f"{kind} {text}"
    hint = f" {text[:4]}…" if kind == "API key" else ""
    return f"{kind}{hint} ({len(text)} characters)"
