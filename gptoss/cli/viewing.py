"""`gptoss view`: a session's page from a server of one's own, which follows a running chat.

The server listens on the loopback interface alone, on a free port. Whoever else is on the machine, and any web page
that the browser shows, can reach that port too: so the address holds a secret, a request must name the server as its
host (or else a foreign name could be made to point here), and nothing but reading is possible.
"""

import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.output import Output
from gptoss.engine.errors import GptossError, SessionNotFound
from gptoss.engine.ports import EventReader, SessionInfo
from gptoss.transcripts.page import page, policy
from gptoss.transcripts.page.feed import Feed
from gptoss.transcripts.page.spelling import Update

LOOPBACK = "127.0.0.1"


class ViewFailed(GptossError):
    """The server cannot listen."""


def view_session(
    adapters: Adapters, database: str | None, name: str, out: Output, *, port: int = 0, show: bool = True
) -> int:
    """Serve a session's page until Ctrl-C."""
    with closing(adapters.open_reader(database)) as reader:
        served = Served(reader, reader.session(name), Feed(reader, reader.session(name), adapters.harmony()))
        served.updates(0)  # whatever is wrong with the session is said here
        server = listen(served, port)
        with closing(server):
            out.line(f"{name} is at {server.address}")
            out.line("Ctrl-C ends it.", "dim")
            if show and _has_screen():
                webbrowser.open(server.address)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                # How one leaves what never ends.
                out.line()
    return 0


class Served:
    """The updates of a session so far, and those to come. For threads."""

    def __init__(self, reader: EventReader, session: SessionInfo, feed: Feed) -> None:
        self._reader = reader
        self._session = session
        self._feed = feed
        self._updates: list[Update] = []
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._session.name

    def updates(self, after: int) -> list[Update]:
        """All but the first `after` of them, those that came just now included. SessionNotFound once it is deleted."""
        with self._lock:
            self._session = self._find()
            self._updates += self._feed.more(self._session)
            return self._updates[after:]

    def _find(self) -> SessionInfo:
        """The session as it is now, whatever it is called by now."""
        try:
            found = self._reader.session(self._session.name)
        except SessionNotFound:
            found = None
        if found is not None and found.id == self._session.id:
            return found
        for session in self._reader.sessions():
            if session.id == self._session.id:
                return session
        raise SessionNotFound(f"the session {self._session.name!r} was deleted")


class Server(ThreadingHTTPServer):
    """Serves one session. `address` is the page's."""

    daemon_threads = True

    def __init__(self, served: Served, port: int) -> None:
        self.served = served
        self.token = secrets.token_urlsafe(16)
        super().__init__((LOOPBACK, port), _Handler)
        self.port = int(self.server_address[1])
        self.address = f"http://{LOOPBACK}:{self.port}/{self.token}/"

    def close(self) -> None:
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""


def listen(served: Served, port: int = 0) -> Server:
    """A server on a free port, or that one. ViewFailed when it is taken."""
    try:
        return Server(served, port)
    except OSError as error:
        raise ViewFailed(f"cannot listen on port {port} ({error}): choose another with --port") from error


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "gptoss"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if self.headers.get("Host") not in (f"{LOOPBACK}:{self.server.port}", f"localhost:{self.server.port}"):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server is called otherwise")
            return
        _, token, *rest = asked.path.split("/")
        if not secrets.compare_digest(token.encode(), self.server.token.encode()) or len(rest) != 1:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here: use the whole address that gptoss view printed")
            return
        answers: dict[str, Callable[[str], None]] = {"": self._page, "updates": self._more}
        answer = answers.get(rest[0])
        if answer is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        try:
            answer(asked.query)
        except GptossError as error:
            self._refuse(HTTPStatus.GONE, str(error))

    def _page(self, query: str) -> None:
        updates = self.server.served.updates(0)
        text = "".join(page(self.server.served.name, updates, live=True))
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", text.encode("utf-8", "replace"))

    def _more(self, query: str) -> None:
        after = parse_qs(query).get("after", ["0"])[0]
        if not (after.isascii() and after.isdigit() and len(after) < 12):
            self._refuse(HTTPStatus.BAD_REQUEST, "after is a number")
            return
        updates = self.server.served.updates(int(after))
        self._send(HTTPStatus.OK, "application/json", msgspec.json.encode(updates))

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._send(status, "text/plain; charset=utf-8", f"{why}\n".encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": f"{policy(live=True)}; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody wants to read it."""


def _has_screen() -> bool:
    """Whether a browser would open in a window: on a bare terminal one in text would take the terminal over."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
