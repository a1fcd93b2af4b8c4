"""Which provider a person chose."""

from importlib.util import find_spec
from pathlib import Path

from gptoss.engine.errors import UsageError
from gptoss.tools.browser.provider import Provider


def provider_for(source: str | None, *, exa_key: str | None = None, exa_url: str | None = None) -> Provider:
    """The provider that `source` names: "exa", "web", or a folder of HTML and Markdown files; None means Exa.

    "web" opens URLs and cannot search. Raises UsageError, which says what to do, when the choice cannot be had.
    """
    if source == "web":
        _need("httpcore")
        from gptoss.tools.browser.web import WebProvider

        return WebProvider()
    if source is not None and source != "exa":
        from gptoss.tools.browser.local import LocalProvider

        return LocalProvider(Path(source).expanduser())
    if not exa_key or not exa_key.strip():
        raise UsageError(
            "the browser needs to know where its pages come from: set EXA_API_KEY to search the web with Exa, or give "
            "--browser-source a folder of HTML or Markdown files, or the word web to open pages without searching; "
            "--no-browser does without"
        )
    _need("exa_py")
    from gptoss.tools.browser.exa import BASE_URL, ExaProvider

    return ExaProvider(exa_key, base_url=exa_url or BASE_URL)


def _need(module: str) -> None:
    if find_spec(module) is None:
        raise UsageError(f"this browser needs the package {module}: run pip install 'gptoss[browser]'")
