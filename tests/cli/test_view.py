"""`gptoss view`: the page from a server that answers nobody but the one who was told."""

import http.client
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Run, driver, greeting
from tests.transcripts.chromium import Browser, chromium

Got = tuple[int, str, dict[str, str]]


@pytest.fixture
def address(environment: dict[str, str], database: Path) -> Iterator[str]:
    """Where the session "a" is served."""
    command, variables = driver(environment)
    process = subprocess.Popen(
        [*command, "view", "a", "--no-open"], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if process.stdout is None:
        raise RuntimeError("a pipe was asked for")
    yield process.stdout.readline().split()[-1]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def get(address: str, path: str | None = None, **headers: str) -> Got:
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.netloc, timeout=30)
    connection.request("GET", where.path if path is None else path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), dict(answer.headers)
    connection.close()
    return found


def test_only_who_knows_the_address_is_answered(address: str) -> None:
    where = urlsplit(address)
    assert where.hostname == "127.0.0.1"
    status, text, headers = get(address)
    assert (status, "Hello!" in text) == (200, True)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert get(address, Host=f"localhost:{where.port}")[0] == 200
    for host in ("evil.example", f"evil.example:{where.port}", "127.0.0.1", ""):
        status, text, _ = get(address, Host=host)
        assert (status, "Hello!" in text) == (421, False)
    for path in (
        "/",
        "/x/",
        where.path[:-1],
        where.path[:-2] + "/",
        where.path + "x",
        where.path + "../",
        "/%00/",
        "//",
    ):
        status, text, _ = get(address, path)
        assert (status, "Hello!" in text) == (404, False)
    for after in ("x", "-1", "1" * 20, "٣"):
        assert (
            get(address, f"{where.path}updates?after={after.encode().hex() if not after.isascii() else after}")[0]
            == 400
        )


def test_it_follows_the_session(address: str, gptoss: Run) -> None:
    path = urlsplit(address).path
    before = json.loads(get(address, f"{path}updates?after=0")[1])
    assert json.loads(get(address, f"{path}updates?after={len(before)}")[1]) == []
    gptoss("chat", "--session", "a", "Again", replies=[greeting("Hello again!")])
    new = json.loads(get(address, f"{path}updates?after={len(before)}")[1])
    assert [one["text"] for one in new if one.get("k") == "message"] == ["Again", "The user speaks.", "Hello again!"]
    gptoss("sessions", "rename", "a", "b")
    assert json.loads(get(address, f"{path}updates?after={len(before) + len(new)}")[1])[0]["name"] == "b"
    gptoss("sessions", "delete", "b", "--yes")
    status, text, _ = get(address, f"{path}updates?after=0")
    assert (status, "deleted" in text) == (410, True)


@pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)")
def test_a_running_chat_is_seen(address: str, environment: dict[str, str], gptoss: Run, tmp_path: Path) -> None:
    browser = Browser(tmp_path / "profile")
    try:
        tab = browser.open(address, ready="'ready' in document.documentElement.dataset")
        command, variables = driver(environment, [greeting("One two three four five six.")], delay=0.1)
        nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([*command, "chat", "--session", "a", "Again"], env=variables, **nothing):
            tab.wait("!!document.querySelector('.card.writing')")
        tab.wait("!document.querySelector('.card.writing')")
        tab.wait("document.querySelector('#cards').lastElementChild.innerText.includes('five six.')")
        assert tab.texts("#state") == ["live"]
        assert len(tab.texts(".card.answer")) == 2
        assert len(tab.texts("#turns li")) == 2
        gptoss("undo", "a")
        tab.wait("document.querySelectorAll('.card.answer').length === 1")
        assert tab.complaints() == []
        assert all(url.startswith(address) for url in tab.requests())
    finally:
        browser.close()


def test_what_cannot_be_served_is_a_sentence(gptoss: Run, database: Path) -> None:
    assert gptoss("view", "nobody", "--no-open").returncode == 2
    for port in ("70000", "-1"):
        done = gptoss("view", "a", "--no-open", "--port", port)
        assert (done.returncode, done.stderr.count("\n"), "'--port'" in done.stderr) == (2, 1, True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = gptoss("view", "a", "--no-open", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stderr.count("\n"), "another with --port" in done.stderr) == (1, 1, True)
