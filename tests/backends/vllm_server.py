"""A real HTTP server on this machine that answers as vLLM's does, and goes wrong as told."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.settings import Sampling


class FakeServer(ThreadingHTTPServer):
    """`reply` is what it samples. `faults` are what happens to the next requests, one each, before it serves well:
    an HTTP status to refuse with, "hang up" before the answer, "break" or "error" after `breaks_after` tokens, "stall"
    (nothing comes until `release` is set). `asked` holds the bodies of all requests, `sessions` their X-Session-Id.
    """

    daemon_threads = True

    def __init__(self, reply: Sequence[int], *, key: str | None = None, max_context: int = 8192, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.reply, self.key = list(reply), key
        self.max_context = max_context
        self.models = [
            {"id": "some-model", "max_model_len": max_context},
            {"id": "gptoss:abc123", "max_model_len": max_context},
        ]
        self.faults: list[int | str] = []
        self.breaks_after = 3
        self.asked: list[dict[str, Any]] = []
        self.sessions: list[str | None] = []
        self.hung_up = threading.Event()
        self.release = threading.Event()
        self.cached: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self._admitted():
            self._json(200, {"data": self.server.models})

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.asked.append(body)
        server.sessions.append(self.headers.get("X-Session-Id"))
        fault = server.faults.pop(0) if server.faults else None
        if isinstance(fault, int):
            return self._json(fault, {"error": {"message": f"no: {fault}", "code": fault}})
        if not self._admitted():
            return None
        if fault == "hang up":
            return self._hang_up()
        if not body.get("stream"):
            return self._json(200, {"choices": [self._scored(body)]})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._stream(body, fault)
        except OSError:
            server.hung_up.set()
        return None

    def _stream(self, body: dict[str, Any], fault: str | None) -> None:
        server, prompt = self.server, body["prompt"]
        if fault == "stall":
            server.release.wait(30)
        stop = set(body["stop_token_ids"])
        generator = ScriptedGenerator([server.reply])
        generator._cached = server.cached
        sampling = Sampling(max_tokens=body["max_tokens"])
        chunks = list(generator.generate(prompt, sampling, frozenset(stop), lambda: False))
        server.cached = generator._cached
        ids = [token for chunk in chunks for token in chunk.ids]
        for number, token in enumerate(ids, 1):
            choice: dict[str, Any] = {"token_ids": [token], "finish_reason": None}
            if "logprobs" in body:
                choice["logprobs"] = {"token_logprobs": [-0.5]}
            if number == len(ids):
                choice["finish_reason"] = "stop" if token in stop else "length"
            self._event({"choices": [choice]})
            if number == server.breaks_after and fault == "break":
                return self._hang_up()
            if number == server.breaks_after and fault == "error":
                return self._event({"error": {"message": "the engine is dead", "code": 500}})
        usage = {
            "prompt_tokens": len(prompt),
            "prompt_tokens_details": {"cached_tokens": len(prompt) - chunks[0].prefilled},
        }
        self._event({"choices": [], "usage": usage})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")
        return None

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _scored(self, body: dict[str, Any]) -> dict[str, Any]:
        """A model that always expects the token 7."""
        positions: list[Any] = [None]
        for token in body["prompt"][1:]:
            given = {"7": {"logprob": -0.1, "rank": 1}, "8": {"logprob": -3.0, "rank": 2}}
            positions.append(given | ({} if token in (7, 8) else {str(token): {"logprob": -9.0, "rank": 40}}))
        return {"prompt_logprobs": positions, "token_ids": [7]}

    def _admitted(self) -> bool:
        if self.server.key is None or self.headers.get("Authorization") == f"Bearer {self.server.key}":
            return True
        self._json(401, {"error": "Unauthorized"})
        return False

    def _json(self, status: int, answer: Any) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _event(self, event: Any) -> None:
        self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


@contextmanager
def running(server: FakeServer) -> Iterator[FakeServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def main(port: int, key: str) -> None:
    """As a process of its own, the way gptoss starts a server."""
    server = FakeServer([11, 12, 200002], key=key, port=port)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), os.environ["VLLM_API_KEY"])
