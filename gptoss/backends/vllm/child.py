"""Runs in each of vLLM's processes, through vLLM's entry point for plugins: they end with the process that began them.

vLLM's engine is a process of its own. It survives a kill of ours, with all of its memory, and it gets the Ctrl-C that
is meant for an answer. Both are put right here, for the engines that gptoss started and for no other.
"""

import ctypes
import os
import signal
import sys

ROOT = "GPTOSS_VLLM_ROOT"
"""The environment variable that holds the process id of the gptoss that started the engine."""

_PR_SET_PDEATHSIG = 1  # of prctl(2)


def attach() -> None:
    """Tie this process to its parent. Does nothing in a process that gptoss did not start."""
    root = os.environ.get(ROOT)
    if root is None or root == str(os.getpid()) or sys.platform != "linux":
        return
    os.setpgid(0, 0)  # the terminal's Ctrl-C reaches the group of the chat, not this one
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if not os.path.exists(f"/proc/{root}"):  # noqa: PTH110  it ended before it could be waited for
        os._exit(1)
