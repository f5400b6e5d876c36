"""A headless Chromium, driven through its debugging pipe: no driver and no further package."""

from __future__ import annotations

import base64
import fcntl
import functools
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers give it 64 MB
    "--no-first-run",
    "--window-size=800,900",
    "--remote-debugging-pipe",
)
AXE = "VISIONFT_AXE"
"""Names the file axe.min.js, one file of JavaScript that no Python package brings (`npm install axe-core`)."""
_LOOK = """axe.run(document, {resultTypes: ["violations"]}).then(found => { window.found = JSON.stringify(
found.violations.map(one => [one.id, one.impact, one.nodes[0].html])); })"""
_READ, _WRITE = 3, 4  # where Chromium looks for the pipe


def chromium() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]

        def place() -> None:
            os.dup2(high[0], _READ)
            os.dup2(high[1], _WRITE)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=place,
            pass_fds=(_READ, _WRITE),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (theirs_in, theirs_out, *high):
            os.close(end)
        self._answers = os.fdopen(self._in, "rb")
        self._number, self._session = 0, ""
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        """Speak to a page of its own from here on."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; what comes in between is kept in `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := json.loads(self._message())).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        result: dict[str, Any] = answer["result"]
        return result

    def go(self, address: str) -> None:
        self.send("Page.enable")
        self.send("Page.navigate", url=address)

    def run(self, code: str) -> Any:
        """Return the value of an expression in the page, awaited; an exception there is an AssertionError here."""
        done = self.send("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, expression: str, seconds: float = 30.0) -> Any:
        """Wait until an expression is true in the page, and return it."""
        end = time.monotonic() + seconds
        while not (value := self.run(expression)):
            assert time.monotonic() < end, expression
            time.sleep(0.05)
        return value

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files in a file input, as a person would."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def picture(self, place: Path) -> Path:
        place.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))
        return place

    def close(self) -> None:
        os.close(self._out)  # Chromium ends with its pipe, and its children with it
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._answers.close()

    def _message(self) -> bytes:
        parts = []
        while (byte := self._answers.read(1)) not in (b"\0", b""):
            parts.append(byte)
        assert byte, f"Chromium ended with exit code {self.process.poll()}"
        return b"".join(parts)


@contextmanager
def browsing(program: str, profile: Path) -> Iterator[Browser]:
    browser = Browser(program, profile)
    try:
        browser.attach()
        yield browser
    finally:
        browser.close()


def axe_findings(tab: Browser) -> list[Any]:
    """Return what axe-core finds of the page as it stands: rule, impact, element."""
    tab.send("Runtime.evaluate", expression=Path(os.environ[AXE]).read_text(encoding="utf-8"))
    tab.send("Runtime.evaluate", expression=f"delete window.found; {_LOOK}")
    tab.until("window.found !== undefined")
    found: list[Any] = json.loads(tab.run("window.found"))
    return found


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve files as `python -m http.server` does; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Silent, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
