"""The kernel is gone after a restart, and stands elsewhere after a fork or an undo: the model is told of it."""

import subprocess
import sys

import pytest
from msgspec import structs

from gptoss.tools.python import notebook as notebook_module
from gptoss.tools.python import texts
from gptoss.tools.python.cells import FAILED, SUCCEEDED
from gptoss.tools.python.sandbox import Order
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


@pytest.mark.parametrize("failures", [2, 9])
def test_a_kernel_that_ends_at_once_is_started_again_if_there_was_one(
    notebooks: Notebooks, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    """What a killed one has left behind dies in its own time, and counts against the limit of processes till then."""
    monkeypatch.setattr(notebook_module, "_DYING", (0.01, 0.01, 0.01))
    notebook = notebooks.open(session=f"dying-{failures}")
    notebook.run("1")
    sandbox = notebook.tool._sandbox
    assert sandbox is not None
    start, orders = sandbox.start, []

    def dying(order: Order) -> subprocess.Popen[bytes]:
        orders.append(order)
        command = (sys.executable, "-c", "raise SystemExit('no room')")
        return start(order if len(orders) > failures else structs.replace(order, command=command))

    monkeypatch.setattr(sandbox, "start", dying)
    notebook.run("import os; os._exit(1)")
    text = notebook.run("2")
    assert text.endswith("2") if failures == 2 else "does not start (no room)" in text
    assert len(orders) == (3 if failures == 2 else 4)


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
