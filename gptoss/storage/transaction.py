"""One transaction at a time on one cursor."""

import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from gptoss.storage.database import Database


class Transaction:
    """`with transaction as execute`: committed at the end, or rolled back by whatever is raised.

    Written out rather than with contextlib, since every append goes through it.
    """

    def __init__(self, lock: threading.RLock, database: Database, cursor: Any, *, durable: bool, alone: bool) -> None:
        self._lock = lock
        self._database = database
        self._execute = cursor.execute
        self._durable = durable
        self._alone = alone

    def __enter__(self) -> Any:
        self._lock.acquire()
        try:
            self._database.begin(durable=self._durable, alone=self._alone)
        except BaseException as error:
            self._lock.release()
            self._raise_wrapped(error)
            raise
        return self._execute

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if error is None:
                self._execute("COMMIT")
        except BaseException as failure:
            self._roll_back()
            self._raise_wrapped(failure)
            raise
        else:
            if error is not None:
                self._roll_back()
                self._raise_wrapped(error)
        finally:
            self._lock.release()

    def _roll_back(self) -> None:
        # After a full disk, say, SQLite has rolled back already and answers that there is nothing to roll back.
        with suppress(*self._database.errors):
            self._execute("ROLLBACK")

    def _raise_wrapped(self, error: BaseException) -> None:
        if isinstance(error, self._database.errors):
            raise self._database.wrap(error) from error
