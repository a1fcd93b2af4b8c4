"""What sessions may be called, and names for those that nobody named."""

# ruff: noqa: SIM905  a list of these words takes 150 lines

import re
import sys
from collections.abc import Callable

from gptoss.engine.errors import UsageError

LONGEST = 100

ADJECTIVES = (
    "agile amber ample azure brave breezy bright brisk calm candid clear clever copper coral cosy crisp curious daring "
    "deft eager early fair fleet gentle glad golden green happy hardy honest ivory jolly keen kind light lively loyal "
    "lucid lucky mellow merry mild modest neat nimble noble patient plain proud quick quiet ready royal russet scarlet "
    "silver simple smooth steady still sunny swift tidy tranquil trusty upbeat vivid warm wise witty young zesty"
).split()

NOUNS = (
    "acorn alder aspen badger beacon beaver birch bison brook canyon cedar cherry clover comet condor crane creek dune "
    "eagle ember falcon fern finch fjord forest fox garnet glacier grove harbor hare hazel heron ibis island jasper "
    "juniper kestrel lagoon lantern lark linden lynx maple marten meadow mesa moss oak ocean orchid osprey otter owl "
    "pebble pine plover quail quartz rain raven reef river robin sparrow spruce stone stream summit swan thistle tide "
    "trout tulip valley walnut willow wren"
).split()


_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


def quoted(word: str) -> str:
    """The word as a shell takes it."""
    return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\"'\"'") + "'"


def resume_command(name: str) -> str:
    """What to type into a shell to come back to a session."""
    return f"{_program()} chat --session {quoted(name)}"


def _program() -> str:
    """What starts gptoss here: its name, or where it is if no shell finds it by its name."""
    import shutil  # only those wait for it who are told the command

    own = sys.argv[0]
    by_place = own.endswith("/gptoss") and shutil.which("gptoss") is None
    return quoted(own) if by_place else "gptoss"


def new_name(is_taken: Callable[[str], bool]) -> str:
    """A name such as "brave-otter" that is free."""
    import secrets  # it brings OpenSSL, which nobody else here waits for

    return free_name(f"{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}", is_taken)


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """The name itself, or the first of name-2, name-3 and so on that is free."""
    candidate, number = name, 2
    while is_taken(candidate):
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def checked_name(name: str) -> str:
    """The name itself, or UsageError: any printable text up to 100 characters that does not begin with "-"."""
    if not name.strip():
        raise UsageError("a session name needs at least one visible character")
    if name.startswith("-"):
        raise UsageError(f"a session name cannot begin with '-', which {name!r} does: it would be taken for an option")
    if len(name) > LONGEST:
        raise UsageError(f"a session name has at most {LONGEST} characters and this one has {len(name)}")
    # ZERO WIDTH JOINER is not printable by itself but holds emoji together.
    if not name.replace("\u200d", "").isprintable():
        raise UsageError(f"a session name is printable text, and {name!r} holds characters that cannot be shown")
    return name
