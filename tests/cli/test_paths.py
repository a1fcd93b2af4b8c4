"""Where things live."""

from pathlib import Path

import platformdirs
import pytest

from gptoss.cli.paths import default_database, folders, named_database

XDG = ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GPTOSS_HOME", "GPTOSS_DATABASE_URL", *XDG):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("variables", [{}, dict.fromkeys(XDG, "/x/y"), dict.fromkeys(XDG, " "), {"HOME": "/h"}])
def test_the_platforms_own_folders(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    theirs = platformdirs.PlatformDirs("gptoss", appauthor=False)
    assert folders() == (theirs.user_data_path, theirs.user_cache_path, theirs.user_config_path)


def test_one_folder_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTOSS_HOME", "~/all")
    home = Path.home() / "all"
    assert folders() == (home, home / "cache", home)
    assert default_database(folders().data) == home / "gptoss.db"


def test_a_database_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named_database(None) is None
    assert named_database("given.db") == "given.db"
    monkeypatch.setenv("GPTOSS_DATABASE_URL", "sqlite:///named.db")
    assert named_database(None) == "sqlite:///named.db"
    assert named_database("given.db") == "given.db"
