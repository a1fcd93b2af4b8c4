"""The user's defaults: read from one file, and behind everything that is said more precisely."""

import json
from pathlib import Path

import pytest

from gptoss.cli.config import Config, ConfigError, load_config
from tests.cli.conftest import Run, greeting

TOML = """
reasoning_effort = "high"
temperature = 0.5
tools = ["python"]

[profiles.work]
reasoning_effort = "medium"
context = 1000
"""


def test_a_profile_stands_before_the_rest(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()
    (tmp_path / "config.toml").write_text(TOML)
    assert load_config(tmp_path).said == {"reasoning_effort": "high", "temperature": 0.5, "tools": ("python",)}
    work = load_config(tmp_path, "work").said
    assert work == {"reasoning_effort": "medium", "context": 1000, "temperature": 0.5, "tools": ("python",)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("reasoning_effort = ", "is not TOML"),
        ('reasoning_efort = "high"', "no setting called `reasoning_efort`"),
        ('reasoning_effort = "great"', "great"),
        ('context = "much"', "context"),
        ("[profiles.work]\ncolour = 1", "no setting called `colour`"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError, match=sentence) as raised:
        load_config(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_profile_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(TOML)
    with pytest.raises(ConfigError, match="it has work"):
        load_config(tmp_path, "play")


def settings(gptoss: Run, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(gptoss("sessions", "show", name, "--json").stdout)["settings"]
    return found


def test_the_order_is_option_session_config(gptoss: Run, environment: dict[str, str]) -> None:
    home = Path(environment["GPTOSS_HOME"])
    home.mkdir()
    (home / "config.toml").write_text(TOML)
    replies = [greeting("Hello!")]
    gptoss("chat", "--session", "plain", "Hi", replies=replies)
    gptoss("chat", "--session", "work", "--profile", "work", "Hi", replies=replies)
    gptoss("chat", "--session", "said", "-r", "low", "--no-python", "Hi", replies=replies)
    efforts = {name: settings(gptoss, name)["reasoning_effort"] for name in ("plain", "work", "said")}
    assert efforts == {"plain": "high", "work": "medium", "said": "low"}
    assert settings(gptoss, "work")["context"] == 1000
    assert settings(gptoss, "said")["tools"] == []
    # A session keeps what it was begun with.
    gptoss("chat", "--session", "said", "Again", replies=replies)
    assert settings(gptoss, "said")["reasoning_effort"] == "low"
    wrong = gptoss("chat", "--profile", "play", "Hi")
    assert (wrong.returncode, "there is no profile 'play'" in wrong.stderr) == (2, True)
    shown = gptoss("doctor").stdout
    assert "temperature = 0.5" in shown
    assert str(home / "config.toml") in shown


def test_models_are_listed_with_who_named_them(gptoss: Run, environment: dict[str, str], tmp_path: Path) -> None:
    home = Path(environment["GPTOSS_HOME"])
    home.mkdir()
    (home / "config.toml").write_text('[profiles.big]\ncheckpoint = "/models/none"\nserver = "http://localhost:1"\n')
    facts = json.loads(gptoss("models", "--json", env={"HF_HUB_CACHE": str(tmp_path)}).stdout)
    (missing,) = facts["checkpoints"]
    assert (missing["origin"], "no checkpoint at /models/none" in missing["problem"]) == (
        "config.toml, profile big",
        True,
    )
    assert [backend["name"] for backend in facts["backends"]] == ["torch", "triton", "vllm"]
    assert "embedded demo model" in gptoss("models", env={"HF_HUB_CACHE": str(tmp_path)}).stdout
