"""vLLM's output goes into a file, and why it did not start is found there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gptoss.backends.vllm.quiet import VllmLog, cause_in

ENGINE = """\
WARNING 11-25 07:59:01 [usage_lib.py:1] OSError: [Errno 24] Too many open files
(EngineCore pid=1) ERROR 11-25 [core.py:1] EngineCore failed to start.
(EngineCore pid=1) ERROR 11-25 [core.py:1]     raise ValueError("...")
(EngineCore pid=1) ERROR 11-25 [core.py:1] ValueError: No available memory for the cache blocks. Try increasing it.
Traceback (most recent call last):
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""
PYDANTIC = """\
pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
  Value error, max_model_len (9) is greater than 8 (as derived). More [type=value_error, input_value=A(), input_type=A]
    For further information visit https://errors.pydantic.dev/2.12/v/value_error
"""


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (ENGINE, "No available memory for the cache blocks"),
        (PYDANTIC, "max_model_len (9) is greater than 8 (as derived)"),
        ("ModuleNotFoundError: No module named 'vllm'\n", "No module named 'vllm'"),
        ("all is well\n", "it does not say why"),
    ],
)
def test_the_cause_is_found(tmp_path: Path, text: str, cause: str) -> None:
    log = tmp_path / "log"
    log.write_text("ValueError: of an earlier start\n" + text)
    assert cause_in(log, len("ValueError: of an earlier start\n")) == cause
    assert cause_in(tmp_path / "none", 0) == "it does not say why"


def test_what_this_process_and_others_write_is_taken(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = VllmLog(tmp_path / "logs")
    with log.taking({"GPTOSS_TEST_VARIABLE": "there"}):
        os.write(2, b"from here\n")
        program = "import os; print('from', os.environ['GPTOSS_TEST_VARIABLE'])"
        subprocess.run([sys.executable, "-c", program], check=True)
    os.write(1, b"shown\n")
    assert log.path.read_text() == "from here\nfrom there\n"
    assert capfd.readouterr() == ("shown\n", "")
    assert "GPTOSS_TEST_VARIABLE" not in os.environ
    assert log.path.stat().st_mode & 0o077 == 0


def test_the_output_comes_back_after_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = VllmLog(tmp_path)
    with pytest.raises(RuntimeError), log.taking({}):
        raise RuntimeError
    os.write(2, b"shown\n")
    assert capfd.readouterr().err == "shown\n"
    assert log.cause(RuntimeError("no\nluck")) == "no luck"


def test_it_may_be_shown_instead(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = VllmLog(tmp_path, shows=True)
    with log.taking({}):
        os.write(2, b"shown\n")
    assert capfd.readouterr().err == "shown\n"


def test_a_log_that_has_grown_is_begun_anew(tmp_path: Path) -> None:
    log = VllmLog(tmp_path)
    log.path.write_bytes(b"x" * (5 << 20))
    with log.taking({}):
        os.write(1, b"new\n")
    assert log.path.read_text() == "new\n"
