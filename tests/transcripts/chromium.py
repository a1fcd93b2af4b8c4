"""A headless Chromium, driven through its debugging pipe: no further package, no port.

See https://chromedevtools.github.io/devtools-protocol/.
"""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60.0
"""Seconds for one answer: the machines that run this are shared."""


def chromium() -> str | None:
    """The browser's path, None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One process; `open` gives a tab. What a tab complains of and asks the network for is kept."""

    def __init__(self, profile: Path) -> None:
        there, out = os.pipe()
        back, here = os.pipe()
        command = [
            chromium() or "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "about:blank",
        ]
        # Chromium reads from descriptor 3 and writes to 4.
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{there} 4>&{here}', "bash", *command],
            pass_fds=(there, here),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(here)
        self._in, self._out = out, back
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._heard: list[dict[str, Any]] = []

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def open(self, url: str, *, width: int = 1280, height: int = 900, ready: str = "true") -> "Tab":
        """A new tab on that address, once the expression `ready` is true there."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "Log", "Network", "Security", "Audits"):
            tab.call(f"{domain}.enable")
        tab.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        tab.call("Page.navigate", url=url)
        tab.wait(f"document.readyState === 'complete' && ({ready})")
        return tab

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._in, data) :]
        for heard in self._messages():
            if heard.get("id") != number:
                self._heard.append(heard)
                continue
            if "error" in heard:
                raise RuntimeError(f"{method}: {heard['error']['message']}")
            found: dict[str, Any] = heard["result"]
            return found
        raise RuntimeError("the browser went away")

    def heard(self, session: str) -> list[dict[str, Any]]:
        """What a tab has told so far."""
        return [message for message in self._heard if message.get("sessionId") == session]

    def _messages(self) -> Iterator[dict[str, Any]]:
        end = time.monotonic() + PATIENCE
        while True:
            while b"\0" in self._buffer:
                message, _, self._buffer = self._buffer.partition(b"\0")
                yield json.loads(message)
            if not select.select([self._out], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self._out, 1 << 20)
            if not more:
                return
            self._buffer += more


class Tab:
    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def value(self, expression: str) -> Any:
        """What an expression comes to, promises awaited."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise AssertionError(f"{expression}: {done['exceptionDetails']['exception'].get('description')}")
        return done["result"].get("value")

    def wait(self, expression: str, patience: float = PATIENCE) -> Any:
        """What an expression comes to as soon as that is true."""
        return until(lambda: self.value(expression), patience, expression)

    def texts(self, selector: str) -> list[str]:
        """The visible texts of all elements that match."""
        found: list[str] = self.value(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            ".filter((one) => one.checkVisibility()).map((one) => one.innerText)"
        )
        return found

    def click(self, selector: str) -> None:
        self.value(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, selector: str, text: str) -> None:
        self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = key if len(key) == 1 and kind == "keyDown" else ""
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text)

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, exceptions, violations of the policy."""
        self.value("new Promise((done) => setTimeout(done, 50))")
        found: list[str] = []
        for message in self._browser.heard(self._session):
            method, about = message["method"], message["params"]
            if method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
                found.append(about["entry"]["text"])
            elif method == "Runtime.exceptionThrown":
                found.append(str(about["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled":
                found.append(str(about["args"]))
            elif method == "Audits.issueAdded" and about["issue"]["code"] == "ContentSecurityPolicyIssue":
                found.append(str(about["issue"]))
            elif method == "Page.javascriptDialogOpening":
                found.append(f"dialog: {about['message']}")
        return found

    def requests(self) -> list[str]:
        """The addresses that were asked for, the page itself and data in it left out."""
        sent = [m["params"] for m in self._browser.heard(self._session) if m["method"] == "Network.requestWillBeSent"]
        urls = [one["request"]["url"] for one in sent if one.get("type") != "Document"]
        return [url for url in urls if not url.startswith("data:")]


def until(ask: Callable[[], Any], patience: float, what: str) -> Any:
    end = time.monotonic() + patience
    while not (found := ask()):
        if time.monotonic() > end:
            raise TimeoutError(f"not so within {patience:.0f} s: {what}")
        time.sleep(0.02)
    return found
