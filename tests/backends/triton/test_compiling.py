"""Every kernel compiles for Ampere, Hopper and Blackwell, whatever is here."""

import os
import subprocess
import sys

KERNELS = (
    "add_and_norm attend attend_many draw expert_down expert_up experts_down experts_up project_out project_qkv "
    "route score_experts sort_choices spread summarise turn_and_keep unembed"
)


def test_kernels_compile_for_gpus_that_are_not_here() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "tests.backends.triton_compiling", "80", "90", "100", "120"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [f"sm_{capability}: {KERNELS}" for capability in (80, 90, 100, 120)]
