"""Talks HTTP with a server: JSON in, JSON or a stream of server-sent events out. Knows nothing of models.

The standard library does it, with one thread for each stream: a client library would take longer to import than a
server takes to answer.
"""

import json
import secrets
import ssl
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from queue import Empty, SimpleQueue
from socket import SHUT_RDWR
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from gptoss.engine.errors import UsageError

_CONNECT = 5.0
_SILENCE = 300.0


class Unreachable(Exception):
    """No answer, or the end of one that had begun; the message is a clause that says why."""


class Refused(Exception):
    """An answer that says no: `status` is that of HTTP, the message what the server says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class HttpServer:
    """A server by its URL. `silence` is how many seconds it may say nothing before it counts as gone."""

    def __init__(
        self, url: str, api_key: str | None = None, *, connect: float = _CONNECT, silence: float = _SILENCE
    ) -> None:
        """UsageError for what is no URL."""
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"{url!r} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not self._host:
            raise UsageError(f"a server is named by a URL such as http://localhost:8000, not {url!r}")
        self._secure = parts.scheme == "https"
        self._prefix = parts.path.rstrip("/").removesuffix("/v1")
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{self._prefix}"
        # By the last a router can keep whoever asks on one of its servers, which then has most of the next prompt.
        self._headers = {"Content-Type": "application/json", "Accept": "*/*", "X-Session-Id": secrets.token_hex(8)}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._connect_timeout, self._silence = connect, silence

    def get(self, path: str) -> Any:
        """The JSON at a path below the URL. Raises Unreachable or Refused."""
        return self._whole("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that comes back for this one. Raises Unreachable or Refused."""
        return self._whole("POST", path, body)

    def stream(self, path: str, body: Mapping[str, Any]) -> "EventStream":
        """Begin to ask for events; nothing is raised yet."""
        return EventStream(self, path, body)

    def _whole(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        connection = self._connection()
        try:
            return json.loads(self._ask(connection, method, path, body).read())
        except ValueError as error:
            raise Refused(200, "it answers with something that is no JSON") from error
        except (OSError, HTTPException) as error:
            raise Unreachable(_reason(error)) from error
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        host = self._host or ""  # checked when it was made
        if self._secure:
            context = ssl.create_default_context()
            return HTTPSConnection(host, self._port, timeout=self._connect_timeout, context=context)
        return HTTPConnection(host, self._port, timeout=self._connect_timeout)

    def _ask(self, connection: HTTPConnection, method: str, path: str, body: Mapping[str, Any] | None) -> HTTPResponse:
        """Raises Unreachable, Refused, or what the connection raises."""
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(self._silence)
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, self._prefix + path, data, self._headers)
        response = connection.getresponse()
        if response.status >= 300:
            raise Refused(response.status, _complaint(response))
        return response


class EventStream:
    """Events as they come, read by a thread of its own so that whoever waits for one may stop waiting."""

    END: Any = object()

    def __init__(self, server: HttpServer, path: str, body: Mapping[str, Any]) -> None:
        self._server = server
        self._arrived: SimpleQueue[Any] = SimpleQueue()
        self._connection = server._connection()
        self._closed = Event()
        Thread(target=self._read, args=(path, body), name="gptoss-events", daemon=True).start()

    def next(self, seconds: float) -> Any:
        """The next event, None if none comes in time, or `END`. Raises Unreachable or Refused."""
        try:
            item = self._arrived.get(timeout=seconds)
        except Empty:
            return None
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """Hang up, which tells the server that nobody listens any more."""
        self._closed.set()
        sock = self._connection.sock
        if sock is not None:
            with suppress(OSError):  # it may be gone already
                sock.shutdown(SHUT_RDWR)

    def _read(self, path: str, body: Mapping[str, Any]) -> None:
        try:
            self._connection.connect()
            if self._closed.is_set():
                return
            response = self._server._ask(self._connection, "POST", path, body)
            for line in response:
                if self._closed.is_set():
                    return
                if not line.startswith(b"data:"):
                    continue
                data = line[5:].strip()
                if data == b"[DONE]":
                    self._arrived.put(self.END)
                    return
                self._arrived.put(json.loads(data))
            self._arrived.put(Unreachable("it ended its answer in the middle"))
        except Refused as error:
            self._arrived.put(error)
        except (OSError, HTTPException, ValueError, AttributeError) as error:
            # AttributeError: `close` took the response away while http.client was reading it.
            self._arrived.put(Unreachable(_reason(error)))
        finally:
            self._connection.close()


def complaint(answer: object) -> str:
    """What a decoded answer says is wrong, in whichever of the forms that servers have for it."""
    found = answer.get("error", answer) if isinstance(answer, dict) else answer
    if isinstance(found, dict):
        found = found.get("message", found.get("detail", "it does not say why"))
    return " ".join(str(found).split())[:500]


def _complaint(response: HTTPResponse) -> str:
    try:
        return complaint(json.loads(response.read(65536)))
    except ValueError:
        return response.reason


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())
