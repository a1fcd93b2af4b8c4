"""Which provider a person chose."""

from pathlib import Path

import pytest

from gptoss.engine.errors import UsageError
from gptoss.tools.browser import sources
from gptoss.tools.browser.exa import ExaProvider
from gptoss.tools.browser.local import LocalProvider
from gptoss.tools.browser.sources import provider_for
from gptoss.tools.browser.web import WebProvider


def test_each_source_has_its_provider(notes: Path) -> None:
    assert isinstance(provider_for("web"), WebProvider)
    assert isinstance(provider_for(str(notes)), LocalProvider)
    assert isinstance(provider_for(None, exa_key="k"), ExaProvider)
    assert isinstance(provider_for("exa", exa_key="k", exa_url="http://127.0.0.1:1"), ExaProvider)


def test_without_a_key_it_says_what_can_be_done() -> None:
    for source in (None, "exa"):
        with pytest.raises(UsageError, match="set EXA_API_KEY"):
            provider_for(source)
    with pytest.raises(UsageError, match="is no folder"):
        provider_for("/no/such/folder")


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    for source in ("exa", "web"):
        with pytest.raises(UsageError, match=r"pip install 'gptoss\[browser\]'"):
            provider_for(source, exa_key="k")
