"""Every error that gptoss raises on purpose, as one tree.

    GptossError                     exit code 1
    ├── UsageError                  2   the caller asked for something that cannot be
    │   ├── SessionNotFound
    │   └── SessionExists
    ├── BackendError                3   no backend or no model that could answer
    │   ├── CheckpointError             a checkpoint that is missing, broken or of another architecture
    │   └── VocabularyError             the o200k vocabulary cannot be loaded
    ├── ContextFull                 4   the prompt does not fit the context
    ├── GenerationFailed            1   the backend failed in the middle of an answer
    │   ├── RankLost                    of several processes that share a model one is gone, and so they all leave
    │   └── RankDrifted                 one of them computed something else than the others
    ├── HistoryError                1   a history that no engine could have written
    ├── RecordRefused               1   an archive that is not what a log wrote
    └── StorageError                1
        ├── HeadConflict                another writer appended first; nothing was written
        ├── BranchBusy                  another process holds the branch; it can be followed, forked or taken over
        ├── DatabaseLocked
        ├── DatabaseReadOnly
        ├── DiskFull
        ├── DatabaseCorrupt
        └── SchemaTooNew                written by a newer gptoss

The message of each is one sentence that tells a person what to do. Adapters wrap foreign exceptions (`raise ... from`),
so that nothing above a port ever catches an exception of a library.
"""


class GptossError(Exception):
    """Base of all; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(GptossError):
    exit_code = 2


class SessionNotFound(UsageError):
    pass


class SessionExists(UsageError):
    pass


class BackendError(GptossError):
    exit_code = 3


class CheckpointError(BackendError):
    pass


class VocabularyError(BackendError):
    pass


class ContextFull(GptossError):
    exit_code = 4


class GenerationFailed(GptossError):
    pass


class RankLost(GenerationFailed):
    pass


class RankDrifted(GenerationFailed):
    pass


class HistoryError(GptossError):
    pass


class RecordRefused(GptossError):
    """What was to be restored is no session; nothing of it was.

    `session` and `record` count, from 0, the sessions given and the records of that one; None for no single one.
    """

    def __init__(self, problem: str, session: int = 0, record: int | None = None) -> None:
        super().__init__(problem)
        self.session = session
        self.record = record


class StorageError(GptossError):
    pass


class HeadConflict(StorageError):
    """The branch head is not where the writer believed it to be.

    `branch` is the branch's id, `expected` the sequence number the writer built on, `actual` the one in the log.
    """

    def __init__(self, branch: str, expected: int, actual: int) -> None:
        super().__init__(
            "another process has written to this session since it was opened here; "
            "nothing of yours overwrote it: open the session again to continue from its newest message"
            if actual >= expected
            else "the database no longer has the newest tokens of this session, as after a crash of its server: "
            "open the session again to go on from what is there"
        )
        self.branch = branch
        self.expected = expected
        self.actual = actual


class BranchBusy(StorageError):
    """Another process writes to the branch; `pid` and `host` name it."""

    def __init__(self, pid: int, host: str) -> None:
        super().__init__(
            f"another process writes to this branch (pid {pid} on {host}): close that one first, or wait for its end"
        )
        self.pid = pid
        self.host = host


class DatabaseLocked(StorageError):
    pass


class DatabaseReadOnly(StorageError):
    pass


class DiskFull(StorageError):
    pass


class DatabaseCorrupt(StorageError):
    pass


class SchemaTooNew(StorageError):
    pass
