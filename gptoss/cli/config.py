"""What the user wants by default: `config.toml` in the config folder, with profiles.

    reasoning_effort = "high"
    tools = ["python"]

    [profiles.work]
    checkpoint = "~/models/gpt-oss-20b"
    backend = "vllm"

An option of the command line comes first, then the environment, then what a session was set to, then the profile, then
the top of the file, then the defaults that `--help` states. A session's own checkpoint comes before the environment's,
because it was begun with it.
"""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gptoss.cli.paths import CONFIG
from gptoss.engine.errors import UsageError
from gptoss.engine.settings import ContextPolicy, ReasoningEffort


class ConfigError(UsageError):
    pass


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None means: not said. The names and meanings are those of the options of `gptoss chat`."""

    checkpoint: str | None = None
    backend: str | None = None
    reasoning_effort: ReasoningEffort | None = None
    developer_message: str | None = None
    tools: tuple[str, ...] | None = None
    context: int | None = None
    context_policy: ContextPolicy | None = None
    keep_reasoning: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    kv_cache: int | None = None
    workspace: str | None = None
    python_backend: str | None = None
    browser_source: str | None = None
    database: str | None = None
    server: str | None = None
    vllm_args: tuple[str, ...] | None = None

    def over(self, other: "Config") -> "Config":
        """This one's values, and the other's where this one has none."""
        mine = {name: getattr(self, name) for name in Config.__struct_fields__}
        return Config(**{name: getattr(other, name) if value is None else value for name, value in mine.items()})

    @property
    def said(self) -> dict[str, Any]:
        """What is not None, by name."""
        pairs = ((name, getattr(self, name)) for name in Config.__struct_fields__)
        return {name: value for name, value in pairs if value is not None}


class _File(Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    profiles: dict[str, Config] = {}


def load_config(folder: Path, profile: str | None = None) -> Config:
    """The user's defaults, those of a profile before the others. An absent file says nothing.

    ConfigError for a file that cannot be understood and for a profile that it does not have.
    """
    path = folder / CONFIG
    file = _read(path)
    if profile is None:
        return file.over(Config())
    if profile not in file.profiles:
        known = ", ".join(sorted(file.profiles)) or "none"
        raise ConfigError(f"there is no profile {profile!r} in {path}; it has {known}")
    return file.profiles[profile].over(file)


def profiles(folder: Path) -> list[str]:
    """The names of the profiles that there are."""
    return sorted(_read(folder / CONFIG).profiles)


def _read(path: Path) -> _File:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _File()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path} ({error}): make it readable, or move it away") from error
    try:
        return msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        message = str(error).replace("Object contains unknown field", "there is no setting called")
        raise ConfigError(f"{path} says something that cannot be: {message[:1].lower()}{message[1:]}") from error
