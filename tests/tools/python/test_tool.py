import asyncio

import pytest

from gptoss.engine.ports import Tool
from gptoss.tools.python import kernel, texts
from gptoss.tools.python.output import SHOWN
from gptoss.tools.python.tool import PythonTool
from tests.contracts.tool import Blobs, ToolContract, call_of, text_of
from tests.tools.python.notebooks import Notebook, Notebooks, eventually, needs_sandbox, processes_with

pytestmark = needs_sandbox

MALFORMED = (
    *(
        "",
        " ",
        "\n\n",
        "\t",
        '{"code": ""}',
        "```python\n```",
        "{",
        "[",
        "(",
        "}",
        "1 +",
        "def",
        "x =",
        "if True:",
        "'abc",
    ),
    *('"""abc', '{"code": ', '{"code": x}', "What is 2 + 2?", "<python>1</python>", "print 'x'", "for i in", "import"),
    *(
        "from x import",
        "return 1",
        "yield",
        "await",
        "lambda: (yield",
        "x + = 1",
        "1 = x",
        "None = 1",
        "a b",
        "$x",
        "f(x=1, 2)",
    ),
    *(
        "def f(x, x): pass",
        "break",
        "continue",
        "nonlocal x",
        "class",
        "while",
        "try:\n  x",
        "\x00",
        "0777",
        "é = ",
        "“x”",
    ),
)


@pytest.fixture(scope="module")
def shared_tool(notebooks: Notebooks) -> tuple[PythonTool, Blobs]:
    keeper = Blobs()
    return notebooks.open(blobs=keeper, session="contract").tool, keeper


class TestPython(ToolContract):
    """One tool for all: what a fresh one would do does not depend on it."""

    good = ("python", "print(37 * 18)")
    aliases = ("functions.python", "python.exec", "python")
    author = "python"
    malformed = tuple(("python", argument) for argument in MALFORMED)
    slow = ("python", "while True: pass")

    @pytest.fixture(autouse=True)
    def shared(self, shared_tool: tuple[PythonTool, Blobs]) -> None:
        self.tool_for_all, self.keeper = shared_tool

    def open(self, blobs: Blobs) -> Tool:
        self.keeper.data = blobs.data
        return self.tool_for_all


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("37 * 18", "666"),
        ("print(37 * 18)", "666"),
        ("print('a')\n2", "a\n2"),
        ("x = 3", texts.NO_OUTPUT),
        ("x", "3"),
        ("'abc'", "'abc'"),
        ("print('a', end='')\n'b'", "a\n'b'"),
        ("import sys\nfor i in range(3):\n    print(i)\n    print(-i, file=sys.stderr)", "0\n0\n1\n-1\n2\n-2"),
        ("import os; _ = os.system('echo a; echo b >&2')", "a\nb"),
        ("print('\\x1b[31mred\\x1b[0m')", "red"),
        ("!echo shell", "shell"),
        ('{"code": "print(1)"}', "1"),
        ("exit()", texts.NO_OUTPUT),
        ("x + 1", "4"),
        ("await __import__('asyncio').sleep(0)\n'awaited'", "'awaited'"),
        ("for n in range(100): print(n, end='\\r')\nprint()", "99"),
    ],
)
def test_shows_what_a_notebook_shows(notebook: Notebook, code: str, shown: str) -> None:
    assert notebook.run(code) == shown
    assert notebook.last.outcome == "ok"


def test_a_traceback_is_shown_once_and_without_colours(notebook: Notebook) -> None:
    text = notebook.run("def f():\n    return 1 / 0\nf()")
    assert notebook.last.outcome == "error"
    assert text.count("ZeroDivisionError: division by zero") == 1
    assert "----> 2     return 1 / 0" in text
    assert "\x1b" not in text
    assert not text.endswith("\n")


def test_files_are_kept_in_the_folder_of_the_session(notebook: Notebook, notebooks: Notebooks) -> None:
    assert notebook.run("open('/mnt/data/a.txt', 'w').write('hello')\nimport os; os.getcwd()") == "'/mnt/data'"
    assert (notebooks.folder / "shared" / "a.txt").read_text() == "hello"
    assert notebook.run("open('mine.py', 'w').write('value = 7')\nimport mine; mine.value") == "7"


def test_plots_become_pictures(notebook: Notebook) -> None:
    pytest.importorskip("matplotlib")
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])\nplt.show()\nprint('done')"
    assert notebook.run(code) == f"{texts.image('plot-1.png')}\ndone"
    (picture,) = (artefact for artefact in notebook.last.artefacts if artefact.media_type == "image/png")
    assert notebook.blobs.get(picture.digest).startswith(b"\x89PNG")
    # A figure that nobody shows is shown at the end of the cell.
    assert notebook.run("plt.plot([1]);") == texts.image("plot-2.png")


def test_a_long_output_is_cut_and_kept(notebook: Notebook) -> None:
    text = notebook.run("for n in range(5000): print('line', n)")
    whole = "\n".join(f"line {n}" for n in range(5000))
    assert text == whole[:SHOWN] + texts.cut(len(whole) - 2 * SHOWN) + whole[-SHOWN:]
    (kept,) = (artefact for artefact in notebook.last.artefacts if artefact.name == "output.txt")
    assert notebook.blobs.get(kept.digest).decode() == whole


def test_there_is_nobody_to_ask(notebook: Notebook) -> None:
    assert "StdinNotImplementedError" in notebook.run("input('name? ')")


def test_sessions_do_not_see_each_other(notebooks: Notebooks) -> None:
    one = notebooks.open(session="one")
    other = Notebook(one.tool, one.blobs, session="an odd/name")
    assert one.run("secret = 1; open('secret', 'w').write('x'); secret") == "1"
    assert "NameError" in other.run("secret")
    assert other.run("import os; os.listdir('.')") == "[]"
    assert one.run("secret") == "1"


def test_an_interrupted_call_keeps_the_variables(notebooks: Notebooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_GRACE", 20.0)  # a kernel's first traceback is seconds of work where others work, too
    notebook = notebooks.open(session="interrupted")
    notebook.run("x = 41")

    async def interrupt() -> None:
        call = call_of("python", "x += 1\nimport time\nprint('before')\nwhile True: time.sleep(1)", "analysis")
        task = asyncio.ensure_future(notebook.tool.run(_in(notebook, call)))
        await asyncio.wait({task}, timeout=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupt())
    assert notebook.run("x") == "42"


def test_code_that_cannot_be_interrupted_is_killed_and_the_model_told(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="stubborn")
    notebook.run("x = 1")

    async def interrupt() -> None:
        code = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)"
        task = asyncio.ensure_future(notebook.tool.run(_in(notebook, call_of("python", code))))
        await asyncio.wait({task}, timeout=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupt())
    assert notebook.run("1") == f"{texts.RESTARTED}\n1"


def test_nothing_is_left_when_the_tool_is_closed(notebooks: Notebooks) -> None:
    own = Notebooks()
    notebook = own.open()
    notebook.run("import subprocess; p = subprocess.Popen(['sleep', '98765'])")
    own.close()
    assert eventually(lambda: not processes_with("98765"))
    assert not own.folder.exists()


def test_a_tool_that_was_never_used_starts_nothing(notebooks: Notebooks) -> None:
    tool = notebooks.open(session="unused").tool
    assert text_of(asyncio.run(tool.run(call_of("python", "  ")))) == texts.EMPTY_CALL
    assert not (notebooks.folder / "unused").exists()


def _in(notebook: Notebook, call):  # type: ignore[no-untyped-def]
    from msgspec.structs import replace

    return replace(call, session=notebook.session, artefacts=notebook.artefacts)
