"""No sandbox: the code of the model may do whatever the user may. Only for those who ask for it by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

from gptoss.tools.python import inside, interpreter
from gptoss.tools.python.limits import Limits
from gptoss.tools.python.sandbox import Order, Unavailable, spawn


class Local:
    """A process of the user, with the limits that need no sandbox, in the folder of the session."""

    name = "unsafe-local"

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def start(self, order: Order) -> subprocess.Popen[bytes]:
        resources = self._limits.resources(count_processes=False)
        launch = json.dumps({"resources": resources, "uid": None, "parent": os.getpid(), "folder": str(order.data)})
        program = Path(inside.__file__).read_text()
        home = order.runtime / "home"
        home.mkdir()
        try:
            return spawn(
                (sys.executable, "-I", "-S", "-c", program, launch, *order.command),
                order,
                interpreter.environment(str(home), str(order.data)),
            )
        except OSError as error:
            raise Unavailable(f"Python cannot be started ({error.strerror}).") from error
