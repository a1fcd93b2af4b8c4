"""Conversations are written with what the tools really say."""

import asyncio
from pathlib import Path

from demo_model.workbench import Workbench
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import ToolCall
from gptoss.tools.python.tool import PythonTool

CELLS = (
    "print(37 * 18)",
    "x = 5",
    "x * 2",
    "y",
    "print(1 + 2",
    'print("hello)',
    "for n in [2, 0]:\n    print(12 / n)",
    "from math import sqrt\nprint(sqrt(16))",
    "print('a')\n2",
    '"abc"',
)


def test_python_says_what_a_kernel_says(harmony: Harmony, tmp_path: Path) -> None:
    blobs: dict[str, bytes] = {}

    def put(data: bytes) -> str:
        blobs[str(len(blobs))] = data
        return str(len(blobs) - 1)

    tool = PythonTool(tmp_path, put_blob=put, get_blob=blobs.__getitem__, backend="unsafe-local")
    bench = Workbench(harmony.encode, "notes")
    artefacts = ()
    try:
        with asyncio.Runner() as runner:
            for code in CELLS:
                message = Message(role="assistant", recipient="python", channel="analysis", content=code)
                result = runner.run(tool.run(ToolCall(session="s", message=message, artefacts=artefacts)))
                artefacts += result.artefacts
                assert bench.python(code).result == result.messages[0]
    finally:
        tool.close()
        bench.close()


def test_a_new_conversation_knows_no_variables_of_the_last(harmony: Harmony) -> None:
    for _ in range(2):
        bench = Workbench(harmony.encode, "notes")
        assert "NameError" in bench.python("seen").result.content
        assert bench.python("seen = 1").result.content == "(no output)"
        bench.close()


def test_files_and_pages_are_gone_afterwards(harmony: Harmony) -> None:
    bench = Workbench(harmony.encode, "notes")
    (bench.pages / "tea.md").write_text("# Tea\n\nIt is hot.\n")
    assert bench.patch("*** Begin Patch\n*** Add File: a.txt\n+milk\n*** End Patch").result.content == "Done.\nA a.txt"
    assert "Tea" in bench.browse("search", '{"query":"tea"}').result.content
    assert bench.browse("open", '{"id":0}').result.content.startswith("[1] Tea (local://notes/tea.md)")
    bench.close()
    assert not bench.workspace.exists()
