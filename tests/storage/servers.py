"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket there, and gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "postgres"
"""Who runs it when the tests are run by root, whom PostgreSQL refuses."""


class Server:
    """`url` names a database; `run` executes SQL in the one that is always there."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self._programs = programs
        self._folder = folder
        self._user = user

    def url(self, database: str, user: str = OWNER, password: str = "") -> str:
        login = f"{user}:{password}" if password else user
        return f"postgresql+psycopg://{login}@/{database}?host={self._folder}"

    def run(self, sql: str) -> None:
        self._call("psql", "-h", self._folder, "-U", OWNER, "-v", "ON_ERROR_STOP=1", "-qc", sql, "postgres")

    def restart(self) -> None:
        self._control("restart", "-m", "immediate")

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody is there for a while."""
        self.stop()
        yield
        self._control("start")

    def start(self) -> None:
        data = self._folder / "data"
        self._call("initdb", "-D", data, "-U", OWNER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        access = data / "pg_hba.conf"
        access.write_text(f"local all secretive scram-sha-256\n{access.read_text()}")
        settings = f"listen_addresses=''\nunix_socket_directories='{self._folder}'\nfsync=off\nmax_connections=30\n"
        settings += "wal_writer_delay=10s\n"  # a crash takes with it what was not asked to be durable
        with (data / "postgresql.conf").open("a") as file:
            file.write(settings)
        self._control("start")

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _control(self, *words: str) -> None:
        self._call("pg_ctl", "-D", self._folder / "data", "-w", "-s", "-l", self._folder / "log", *words)

    def _call(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, user=self._user)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr}")


def programs() -> Path | None:
    """Where PostgreSQL's programs are; Debian keeps them out of the way, one folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("pg_ctl")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def server(where: Path) -> Iterator[Server]:
    """`where` is what `programs` gave."""
    with tempfile.TemporaryDirectory(prefix="gptoss-postgres-") as folder:
        user = OWNER if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(folder, user)
        made = Server(where, Path(folder), user)
        made.start()
        try:
            yield made
        finally:
            made.stop()
