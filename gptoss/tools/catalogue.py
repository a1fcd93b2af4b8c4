"""Which tools there are and how each is announced to a model, without loading any of them."""

from collections.abc import Mapping

from gptoss.engine.settings import ToolSpec
from gptoss.tools.apply_patch.texts import SPEC as APPLY_PATCH
from gptoss.tools.python.texts import SPEC as PYTHON

BROWSER = ToolSpec(name="browser")

SPECS: Mapping[str, ToolSpec] = {spec.name: spec for spec in (BROWSER, PYTHON, APPLY_PATCH)}
"""By name, in the order in which a session lists its tools."""

RECIPIENTS = ("browser.search", "browser.open", "browser.find", "python", "functions.apply_patch")
"""What a model can call, by the names that it knows."""
