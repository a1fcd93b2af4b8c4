"""`gptoss` without the wait: `python -m tests.docs.ready SOCKET` has loaded everything and forks for each command.

The documentation has some hundred commands, and most of what one takes is to import PyTorch. A child of the server has
the client's streams, folder and environment, and runs the very same `gptoss.cli.main.run`.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

import torch  # noqa: F401

import gptoss.backends.opening
import gptoss.cli.app
import gptoss.cli.interactive
import gptoss.storage.sql  # noqa: F401
from gptoss.cli.main import run
from gptoss.engine.harmony import Harmony
from gptoss.engine.vocabulary import VARIABLE

CLIENT = """\
import json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(said).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(said)
    pid = int.from_bytes(server.recv(8), "big")
    signal.signal(signal.SIGINT, lambda *_: os.kill(pid, signal.SIGINT))
    sys.exit(int.from_bytes(server.recv(8), "big"))
"""


def serve(address: str) -> None:
    loaded = Harmony.load(Path(os.environ[VARIABLE]).parent)
    Harmony.load = lambda cache: loaded  # type: ignore[method-assign, assignment]  # half a second of every command
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            client, _ = listening.accept()
            if os.fork() == 0:  # waits for the command, so that several may run at once
                listening.close()
                _attend(client)
            client.close()
            _reap()


def _attend(client: socket.socket) -> None:
    size, streams, _, _ = socket.recv_fds(client, 8, 3)
    words, folder, environment = json.loads(_exactly(client, int.from_bytes(size, "big")))
    if (pid := os.fork()) == 0:
        client.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        # A program of its own: what it answers Ctrl-C with is its own affair, and so is how its streams are buffered.
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, mode) for n, mode in ((0, "r"), (1, "w"), (2, "w")))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["gptoss", *words]
        code = run(words)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    for stream in streams:
        os.close(stream)
    client.sendall(pid.to_bytes(8, "big"))
    _, status = os.waitpid(pid, 0)
    client.sendall(abs(os.waitstatus_to_exitcode(status)).to_bytes(8, "big"))
    os._exit(0)


def _exactly(client: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        received += client.recv(size - len(received))
    return received


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def write_client(folder: Path, address: str) -> None:
    """Put a program `gptoss` into a folder that hands each command to the server at an address."""
    client = folder / "gptoss"
    client.write_text(f"#!{sys.executable} -IS\n" + CLIENT.format(address=address))
    client.chmod(0o755)


if __name__ == "__main__":
    serve(sys.argv[1])
