from collections.abc import Iterator

import pytest

from tests.tools.python.notebooks import Notebook, Notebooks


@pytest.fixture(scope="module")
def notebooks() -> Iterator[Notebooks]:
    notebooks = Notebooks()
    yield notebooks
    notebooks.close()


@pytest.fixture(scope="module")
def notebook(notebooks: Notebooks) -> Notebook:
    """One kernel for the tests of a module that do it no harm."""
    return notebooks.open(session="shared")
