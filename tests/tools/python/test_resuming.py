"""The kernel is gone after a restart, and stands elsewhere after a fork or an undo: the model is told of it."""

import pytest

from gptoss.tools.python import texts
from gptoss.tools.python.cells import FAILED, SUCCEEDED
from tests.tools.python.notebooks import Notebooks, needs_sandbox

pytestmark = needs_sandbox


def test_the_model_is_told_once(notebooks: Notebooks) -> None:
    before = notebooks.open(session="resumed")
    before.run("x = 1")
    before.run("open('kept.txt', 'w').write('still here');")
    after = notebooks.open(session="resumed", blobs=before.blobs)
    after.artefacts = before.artefacts
    text = after.run("x")
    assert text.startswith(f"{texts.RESTARTED}\n")
    assert "NameError" in text
    assert after.run("open('kept.txt').read()") == "'still here'"


def test_variables_are_restored_on_demand(notebooks: Notebooks) -> None:
    before = notebooks.open(session="restored")
    before.run("x = 1")
    before.run("x += 1")
    before.run("x = 1 / 0")
    before.run("y = x * 10\nprint('not shown again')")
    assert [artefact.name for artefact in before.artefacts] == [SUCCEEDED, SUCCEEDED, FAILED, SUCCEEDED]
    after = notebooks.open(session="restored", blobs=before.blobs, restore=True)
    after.artefacts = before.artefacts
    assert after.run("x, y") == f"{texts.RESTORED}\n(2, 20)"
    assert after.run("y") == "20"


def test_what_fails_when_it_is_run_again_is_counted(notebooks: Notebooks) -> None:
    before = notebooks.open(session="changed")
    before.run("open('once', 'x').close()")
    before.run("x = 1")
    after = notebooks.open(session="changed", blobs=before.blobs, restore=True)
    after.artefacts = before.artefacts
    assert after.run("x") == f"{texts.RESTORED}\n{texts.restore_failed(1)}\n1"


def test_what_takes_too_long_is_not_restored(notebooks: Notebooks) -> None:
    before = notebooks.open(session="slow")
    before.run("import time; x = 1; time.sleep(4)")
    after = notebooks.open(session="slow", blobs=before.blobs, restore=True, timeout=2)
    after.artefacts = before.artefacts
    assert after.run("1") == f"{texts.RESTARTED}\n1"


@pytest.mark.parametrize("restore", [False, True])
def test_after_an_undo_the_kernel_does_not_know_too_much(notebooks: Notebooks, restore: bool) -> None:
    notebook = notebooks.open(session=f"undone-{restore}", restore=restore)
    notebook.run("x = 1")
    before = notebook.artefacts
    notebook.run("x = 2")
    notebook.artefacts = before  # what the engine passes after an undo or in a fork
    text = notebook.run("x")
    assert text.startswith(texts.RESTORED if restore else texts.RESTARTED)
    assert text.endswith("\n1" if restore else "NameError: name 'x' is not defined")
    # From here on the branch and the kernel agree again.
    assert notebook.run("2") == "2"
