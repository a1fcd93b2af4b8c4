"""openai-harmony's compiled half: the tokenizer, and what renders the messages of system and developer.

Its Python half is wrappers around this one and takes 0.2 s to import, because of pydantic. oss-harmony, a fork under
the same import name that vLLM depends on, has the same compiled functions.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

from gptoss.engine.errors import VocabularyError
from gptoss.engine.vocabulary import VARIABLE, unreadable, vocabulary_folder

_PACKAGE = "openai_harmony"
_MODULE = f"{_PACKAGE}.{_PACKAGE}"


class Encoding:
    """The encoding of gpt-oss. Loading takes a quarter of a second."""

    def __init__(self, module: Any, loaded: Any) -> None:
        self._module = module
        self._loaded = loaded

    @classmethod
    def load(cls, cache: Path) -> Encoding:
        """Load the vocabulary, unpacking it below `cache` the first time. Raises VocabularyError."""
        module = _compiled()
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(vocabulary_folder(cache))
        try:
            return cls(module, module.load_harmony_encoding("HarmonyGptOss"))
        except module.HarmonyError as error:
            raise VocabularyError(unreadable(Path(os.environ[VARIABLE]), str(error))) from error
        finally:
            if before is None:
                del os.environ[VARIABLE]

    def encode(self, text: str) -> list[int]:
        """Text to tokens, special tokens' names being text like any other, surrogates U+FFFD where they are alone."""
        try:
            ids: list[int] = self._loaded.encode(text, [])
        except UnicodeEncodeError:
            ids = self._loaded.encode(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), [])
        return ids

    def decode(self, ids: Sequence[int]) -> bytes:
        """Tokens to bytes, special tokens by name."""
        return bytes(self._loaded.decode_bytes(list(ids)))

    def render(self, role: str, content: dict[str, Any], *, functions: bool = False) -> list[int]:
        """A message of the system or the developer, of the library's kinds of content.

        `functions` says that the developer message has some, which the system message then gives a channel to.
        """
        message = json.dumps({"role": role, "content": [content]})
        ids: list[int] = self._loaded.render(message, {"conversation_has_function_tools": functions})
        return ids

    def tool(self, name: str) -> dict[str, Any]:
        """What the model was told of the built-in tool "browser" or "python"."""
        found: dict[str, Any] = self._module.get_tool_namespace_config(name)
        return found


def _compiled() -> Any:
    """The module, known afterwards by its own name, so that whoever imports the whole library gets the same one."""
    if _MODULE in sys.modules:
        return sys.modules[_MODULE]
    package = find_spec(_PACKAGE)
    spec = PathFinder.find_spec(_MODULE, package.submodule_search_locations) if package is not None else None
    if spec is None or spec.loader is None:
        raise VocabularyError("openai-harmony is missing: install it with `pip install openai-harmony`")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[_MODULE] = module
    return module
