"""Where things live: `GPTOSS_HOME` holds everything, or else the platform's own folders do (XDG on Linux)."""

import os
from pathlib import Path
from typing import NamedTuple

HOME = "GPTOSS_HOME"
DATABASE = "GPTOSS_DATABASE_URL"


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
    import platformdirs

    found = platformdirs.PlatformDirs("gptoss", appauthor=False)
    return Folders(found.user_data_path, found.user_cache_path, found.user_config_path)


def database_url(given: str | None, data: Path) -> str:
    """The database to use: `--db`, else `GPTOSS_DATABASE_URL`, else gptoss.db in the data folder."""
    return given or os.environ.get(DATABASE) or f"sqlite:///{data / 'gptoss.db'}"
