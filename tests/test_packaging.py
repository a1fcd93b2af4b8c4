"""What is shipped: a wheel that is built here and now, and works from a folder with nothing else of ours."""

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = {".py", ".typed", ".safetensors", ".c", ".h", ".mako", ".js", ".css", ".jinja"}
"""Endings of the files that are used at run time; a new one must be in `package-data` and here."""


def source() -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built as pip builds it, only with the setuptools that is here, and from a copy of what git does not ignore."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in source():
        if name.startswith("gptoss/") or "/" not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(folder / done.stdout.splitlines()[-1])


def test_all_that_is_used_is_in_the_wheel_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if not name.split("/")[0].endswith(".dist-info")}
    wanted = {name for name in source() if name.startswith("gptoss/")}
    assert {Path(name).suffix for name in wanted} <= SHIPPED
    assert packed == wanted


def test_the_package_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    about = Parser().parsestr(wheel.read(metadata).decode())
    assert (about["License-Expression"], about["Requires-Python"]) == ("Apache-2.0", "<3.14,>=3.11")
    assert {"browser", "postgres", "python", "triton", "vllm"} <= set(about.get_all("Provides-Extra", []))
    assert "gptoss/py.typed" in wheel.namelist()
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_it_works_from_anywhere(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """The commands that need no model, and the database with its migrations, from the files of the wheel alone."""
    wheel.extractall(tmp_path / "site")
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GPTOSS_")}
    environment |= {"GPTOSS_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path / "site")}
    messages = '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]'

    def gptoss(*words: str, given: str = "") -> str:
        command = [sys.executable, "-m", "gptoss", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, input=given, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    place = "import gptoss; print(gptoss.__file__)"
    where = subprocess.run([sys.executable, "-c", place], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert where.stdout.startswith(str(tmp_path))
    gptoss("import", "-", "--as", "a", given=messages)
    assert "sound" in gptoss("verify", "a")
    assert "Hello!" in gptoss("export", "a")
    assert "<script" in gptoss("export", "a", "--format", "html")
