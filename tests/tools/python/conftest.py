from collections.abc import Iterator

import pytest

from gptoss.tools.python import kernel
from tests.tools.python.notebooks import Notebook, Notebooks


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that does not stop is killed sooner, for the sake of those who wait for the tests."""
    monkeypatch.setattr(kernel, "_GRACE", 3.0)


@pytest.fixture(scope="module")
def notebooks() -> Iterator[Notebooks]:
    notebooks = Notebooks()
    yield notebooks
    notebooks.close()


@pytest.fixture(scope="module")
def notebook(notebooks: Notebooks) -> Notebook:
    """One kernel for the tests of a module that do it no harm."""
    return notebooks.open(session="shared")
