"""Every text that the model reads from the python tool, beside the output of its own code.

The embedded model is trained on them: whoever changes one retrains it (`demo_model`). How the tool is announced to the
model is built into it (`gptoss.engine.settings.ToolSpec`).
"""

from gptoss.engine.settings import ToolSpec

SPEC = ToolSpec(name="python")

TIMEOUT = 120.0
"""Seconds: the tool text that gpt-oss was trained on promises this number."""

NO_OUTPUT = "(no output)"

RESTARTED = "[Python was restarted: variables and imports from before are gone, files in /mnt/data are still there.]"
"""Stands before the output of the first call after the session was resumed."""

RESTORED = "[Python was restarted: the code that ran without an error before was run again, so its variables are back.]"
"""The same, with --python-restore."""

EMPTY_CALL = "Error: there is no code to run."

DIED = "Error: the code ended the Python process. A new one was started: variables and imports from before are gone."

OUT_OF_MEMORY = (
    "Error: the code ran out of memory and Python was stopped. "
    "A new one was started: variables and imports from before are gone."
)


def timed_out(seconds: float) -> str:
    """After the output so far."""
    return f"Error: the code ran for more than {seconds:g} seconds and was stopped. Variables are kept."


def killed(seconds: float) -> str:
    """The code did not react to the interrupt."""
    return (
        f"Error: the code ran for more than {seconds:g} seconds and was killed. "
        "A new Python was started: variables and imports from before are gone."
    )


def too_much_output(megabytes: int) -> str:
    return (
        f"Error: the code wrote more than {megabytes} MB. The rest was left out, and the code was stopped if it was "
        "still running. Variables are kept."
    )


def folder_full(megabytes: int) -> str:
    return f"Error: /mnt/data holds more than {megabytes} MB, so the code was stopped. Delete files there."


def left_running(count: int) -> str:
    """After the output of code that started processes and did not wait for them."""
    return f"[{count} {'process' if count == 1 else 'processes'} that the code left running: stopped.]"


def restore_failed(count: int) -> str:
    """Follows `RESTORED` where code that once ran without an error now ended with one."""
    return f"[{count} of them failed this time.]"


IMAGE_LEFT_OUT = "[an image that is too large, or one too many, was left out]"


def cut(characters: int) -> str:
    """Stands where the middle of a long output was left out."""
    return f"\n[… {characters} characters left out …]\n"


def image(name: str) -> str:
    """Stands in the output where a plot was shown to the user."""
    return f"[image {name} was shown to the user]"


def unavailable(reason: str) -> str:
    """No sandbox works here. `reason` is a sentence."""
    return f"Error: Python cannot run here. {reason}"
