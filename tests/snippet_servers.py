"""The servers that pages start, in processes of their own, and the requests that pages send to them."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.serving.server.processes import ENVIRONMENT

SERVERS = ("visionft serve ", "visionft review ")
ADDRESS = re.compile(r"(http://[\w.]+:)(\d+)(\S*)$")
DEFAULT_PORT = "8000"
TOKEN = "0123456789abcdef"


class Servers:
    """What a page has started so far, by the ports that it gave."""

    def __init__(self) -> None:
        """Begin with none."""
        self._stack, self._ports = ExitStack(), {}

    def start(self, line: str) -> None:
        """Start a server on a free port, wait until it answers, and keep it until the page ends."""
        words = shlex.split(line)[1:]
        port = words[words.index("--port") + 1] if "--port" in words else DEFAULT_PORT
        found = self._stack.enter_context(_running(words))
        base, actual, rest = ADDRESS.search(found).groups()
        base = base.replace("0.0.0.0", "127.0.0.1")
        first = httpx.get(f"{base}{actual}{rest}", headers={"Authorization": f"Bearer {TOKEN}"}, follow_redirects=True)
        assert first.status_code == 200, (line, first.text)
        if words[0] == "serve":
            self._ports[port] = actual

    def ask(self, line: str) -> None:
        """Send what a `curl --form NAME=@FILE ... ADDRESS` sends; it has to be answered."""
        words = shlex.split(line)[1:]
        forms = [words[at + 1] for at, word in enumerate(words) if word == "--form"]
        files = [(name, Path(file.removeprefix("@"))) for name, _, file in (form.partition("=") for form in forms)]
        assert len(words) == 2 * len(forms) + 1, f"another flag than --form: {line}"
        address = re.sub(r":(\d+)/", lambda given: f":{self._ports[given[1]]}/", words[-1], count=1)
        answer = httpx.post(address, files=[(name, (file.name, file.read_bytes())) for name, file in files])
        assert answer.status_code == 200, (line, answer.text)

    def stop(self) -> None:
        """End them all."""
        self._stack.close()


@contextmanager
def _running(words: list[str]) -> Iterator[str]:
    """Run a server by its words, on a free port and without a browser; yield the line that tells its address."""
    kept = list(words)
    if "--port" in kept:
        del kept[kept.index("--port") : kept.index("--port") + 2]
    more = ["--port", "0"] if kept[0] == "serve" else ["--no-open"]
    with subprocess.Popen(
        [sys.executable, "-m", "visionft", *kept, *more], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        try:
            yield next(line.strip() for line in process.stdout if ADDRESS.search(line.strip()))
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert process.wait(60) == 0, words
        finally:
            process.kill()
