"""Where things live: `GPTOSS_HOME` holds everything, or else the platform's own folders do (XDG on Linux)."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

HOME = "GPTOSS_HOME"
DATABASE = "GPTOSS_DATABASE_URL"
CONFIG = "config.toml"


class Folders(NamedTuple):
    """`data` holds the sessions, `cache` what can be made again, `config` what the user wrote. They may not exist."""

    data: Path
    cache: Path
    config: Path


def folders() -> Folders:
    home = os.environ.get(HOME)
    if home:
        root = Path(home).expanduser().absolute()
        return Folders(root, root / "cache", root)
    on_linux: bool = sys.platform == "linux"
    if on_linux:
        # What platformdirs says too, without the 10 ms that importing it takes.
        return Folders(
            _xdg("XDG_DATA_HOME", ".local/share"), _xdg("XDG_CACHE_HOME", ".cache"), _xdg("XDG_CONFIG_HOME", ".config")
        )
    import platformdirs

    found = platformdirs.PlatformDirs("gptoss", appauthor=False)
    return Folders(found.user_data_path, found.user_cache_path, found.user_config_path)


def _xdg(variable: str, default: str) -> Path:
    """See https://specifications.freedesktop.org/basedir-spec/latest/."""
    named = os.environ.get(variable, "").strip()
    return (Path(named) if named else Path.home() / default) / "gptoss"


def named_database(given: str | None) -> str | None:
    """The database that the user named: `--db`, else `GPTOSS_DATABASE_URL`; None is `default_database`."""
    return given or os.environ.get(DATABASE) or None


def default_database(data: Path) -> Path:
    return data / "gptoss.db"
