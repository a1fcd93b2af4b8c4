"""Several replicas behind a router: nginx, with the configuration that docs/teams.md gives."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gptoss.backends.vllm.server import ServerGenerator
from gptoss.backends.vllm.transport import HttpServer
from gptoss.engine.settings import Sampling
from gptoss.engine.tokens import STOP_IDS
from tests.backends.vllm_server import FakeServer, running
from tests.contracts.token_generator import ids_of, never, prefilled_of

DOCS = Path(__file__).parents[2] / "docs" / "teams.md"
REPLY = [11, 12, 13, 14, 15, 16, 200002]
PROMPT = list(range(3, 43))
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")


@pytest.fixture
def replicas() -> Iterator[list[FakeServer]]:
    with ExitStack() as opened:
        yield [opened.enter_context(running(FakeServer(REPLY))) for _ in range(2)]


@pytest.fixture
def router(replicas: list[FakeServer], tmp_path: Path) -> Iterator[str]:
    """Its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = re.search(r"```nginx\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    http = found[1].replace("listen 8000", f"listen 127.0.0.1:{port}")
    for number, replica in enumerate(replicas, 1):
        http = http.replace(f"gpu{number}:8000", replica.url.removeprefix("http://"))
    scratch = "".join(f"{kind}_temp_path {tmp_path};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    file = tmp_path / "nginx.conf"
    about = f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error; events {{}}"
    file.write_text(f"{about}\nhttp {{ access_log off; {scratch}\n{http}}}")
    process = subprocess.Popen([NGINX or "nginx", "-e", str(tmp_path / "error"), "-c", str(file)])
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            assert process.poll() is None, (tmp_path / "error").read_text()
            assert time.monotonic() < end
            time.sleep(0.02)
    yield url
    process.terminate()
    process.wait()


def answer(generator: ServerGenerator, prompt: list[int]) -> tuple[list[int], int | None]:
    chunks = list(generator.generate(prompt, Sampling(temperature=0.0), STOP_IDS, never))
    return ids_of(chunks), prefilled_of(chunks)


def test_a_chat_stays_on_one_replica_and_chats_are_spread(router: str, replicas: list[FakeServer]) -> None:
    for _ in range(12):
        chat = ServerGenerator(HttpServer(router))
        assert answer(chat, PROMPT)[0] == REPLY
        assert answer(chat, [*PROMPT, *REPLY, 5]) == (REPLY, 1), "that replica has the rest in its cache"
    assert all(replica.asked for replica in replicas)
    one, other = (set(replica.sessions) for replica in replicas)
    assert len(one) + len(other) == 12
    assert not one & other


def test_tokens_pass_as_they_come(router: str, replicas: list[FakeServer]) -> None:
    for replica in replicas:
        replica.faults = ["stall"]
    chat = ServerGenerator(HttpServer(router))
    stream = chat.generate(PROMPT, Sampling(temperature=0.0), STOP_IDS, never)
    seen: list[int] = []
    while len(seen) < replicas[0].breaks_after:
        seen += next(stream).ids
    for replica in replicas:
        replica.release.set()
    assert seen + [token for chunk in stream for token in chunk.ids] == REPLY


def test_a_replica_that_is_gone_is_passed_over(router: str, replicas: list[FakeServer]) -> None:
    replicas[0].shutdown()
    replicas[0].server_close()
    for _ in range(6):
        assert answer(ServerGenerator(HttpServer(router)), PROMPT)[0] == REPLY
    assert len(replicas[1].asked) == 6
