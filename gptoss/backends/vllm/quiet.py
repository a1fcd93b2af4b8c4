"""Where vLLM's output goes: into a file beside the sessions, never among the words of a chat."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOG, LOGGING = "vllm.log", "vllm-logging.json"

_LARGEST = 4 << 20
_CAUSE = re.compile(r"(?:\w*(?:Error|Exception): |Value error, )(?P<clause>.+)")
_NO_CAUSE = ("WARNING", "See root cause above", "validation error for")


class VllmLog:
    """The log file in a folder. Made when vLLM is started; begun anew when it has grown beyond 4 MiB."""

    def __init__(self, folder: Path, *, shows: bool = False) -> None:
        """`shows` leaves the output where it is."""
        self.path = folder / LOG
        self._shows = shows
        self._config = folder / LOGGING
        self._begun = 0

    @contextmanager
    def taking(self, environment: dict[str, str]) -> Iterator[None]:
        """All that this process and the ones it starts write goes into the log, until the end of the block.

        `environment` is in force meanwhile: variables that are not set yet.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.fstat(file).st_size > _LARGEST:
            os.ftruncate(file, 0)
        self._begun = os.fstat(file).st_size
        self._config.write_text(json.dumps(self._logging()), encoding="utf-8")
        added = {name: value for name, value in environment.items() if name not in os.environ}
        if not self._shows and "VLLM_LOGGING_CONFIG_PATH" not in os.environ:
            added["VLLM_LOGGING_CONFIG_PATH"] = str(self._config)
        os.environ.update(added)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        saved = os.dup(1), os.dup(2)
        try:
            if not self._shows:
                os.dup2(file, 1)
                os.dup2(file, 2)
            yield
        finally:
            for number, copy in enumerate(saved, 1):
                os.dup2(copy, number)
                os.close(copy)
            os.close(file)
            for name in added:
                del os.environ[name]

    def cause(self, error: BaseException) -> str:
        """Why the latest start failed, in a few words: what the log says, else the exception itself."""
        return cause_in(self.path, self._begun, " ".join(str(error).split()) or type(error).__name__)

    def _logging(self) -> dict[str, object]:
        """For `logging.config.dictConfig`: vLLM's lines to the file, in whichever process they come up."""
        return {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "plain": {"format": "%(levelname)s %(asctime)s %(process)d [%(filename)s:%(lineno)d] %(message)s"}
            },
            "handlers": {
                "file": {
                    "class": "logging.FileHandler",
                    "filename": str(self.path),
                    "formatter": "plain",
                    "level": "INFO",
                    "delay": True,
                }
            },
            "loggers": {"vllm": {"handlers": ["file"], "level": "INFO", "propagate": False}},
        }


def cause_in(log: Path, begin: int, otherwise: str = "it does not say why") -> str:
    """The last error that a log names from a position on, as a clause for people: vLLM reports the first cause last."""
    try:
        with log.open("rb") as file:
            file.seek(begin)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        text = ""
    lines = (line for line in text.splitlines() if not any(words in line for words in _NO_CAUSE))
    found = [match["clause"] for match in map(_CAUSE.search, lines) if match]
    # Of what pydantic says only the sentence is for people.
    cause = " ".join((found[-1] if found else otherwise).split()).partition(" [type=")[0]
    cause = cause.rpartition("Value error, ")[2]
    return cause.partition(". ")[0].rstrip(".")[:300]
