"""Why a patch cannot be applied."""

from collections.abc import Sequence


class PatchError(Exception):
    """The model reads `problem`, a sentence of `gptoss.tools.apply_patch.texts`, and `hint`, which helps to do better.

    No file has changed, unless `damaged` names files that could not be put back. It never leaves the tool.
    """

    def __init__(self, problem: str, hint: str = "", damaged: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.damaged = tuple(damaged)
