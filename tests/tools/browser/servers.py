"""HTTP servers on the loopback interface, for tests."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Request:
    """A request and the means to answer it. `host`, `path` and `headers` are as received; `body` is decoded JSON."""

    def __init__(self, handler: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
        self.path = handler.path
        self.headers = dict(handler.headers)
        self.host = handler.headers["Host"]
        length = int(handler.headers.get("Content-Length") or 0)
        self.body: Any = json.loads(handler.rfile.read(length)) if length else None
        self.stopped = stopped
        self._handler = handler

    def answer(self, status: int, body: bytes | str | object = b"", **headers: str) -> None:
        """Text and bytes are sent as they are, anything else as JSON."""
        if not isinstance(body, bytes | str):
            body, headers = json.dumps(body), {"content_type": "application/json", **headers}
        data = body.encode() if isinstance(body, str) else body
        headers = {"content_length": str(len(data)), **headers}
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(data)

    def raw(self, data: bytes) -> None:
        """Send these bytes in place of an answer."""
        self._handler.wfile.write(data)
        self._handler.close_connection = True

    def hang(self) -> None:
        """Never answer."""
        self.stopped.wait()


Answer = Callable[[Request], None]


class Server:
    """What a test may change and look at: how requests are answered, and which came."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answer: Answer = lambda request: request.answer(404)
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving() -> Iterator[Server]:
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            request = Request(self, stopped)
            server.requests.append(request)
            server.answer(request)

        do_GET = do_POST = respond

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # the client gave up
                super().handle()

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Server(http.server_port)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopped.set()
        http.shutdown()
        http.server_close()
        thread.join()
