"""Work in a process of its own, which has bounds of time and memory and leaves this one's threads alone.

A thread inside a decoder or a parser cannot be ended, and may hold all others; a process can, and does not. It is
started when it is first asked, answers one question at a time, and is replaced when it had to be ended.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

Message = tuple[dict[str, Any], bytes]
"""What goes either way: a head that JSON can hold, and data."""

_START_SECONDS = 120.0
_SECRET = "VISIONFT_TOKEN"
"""What a process that reads the files of strangers need not know."""
_NICE = 5
"""How much it gives way to the threads that answer small requests, from its first line on: imports take a second."""


class LateError(Exception):
    """There was no answer in time, and the process was ended."""


class EndedError(Exception):
    """The process ended instead of answering."""


class Process:
    """The side of who asks; for one thread at a time, but for `stop`."""

    def __init__(self, module: str, first: Message) -> None:
        """Hold what is needed to start it.

        Args:
            module: where its `main` is.
            first: what it is told when it starts.
        """
        self._code, self._first = f"import os; os.nice({_NICE}); from {module} import main; main()", first
        self._running: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None

    def ask(self, head: dict[str, Any], data: bytes | bytearray, seconds: float) -> Message:
        """Return the answer to a question.

        Raises:
            LateError: it takes more than `seconds`, beside the time that the process needs to start.
            EndedError: the process ended at it.
        """
        try:
            line = self._started()
            _send(line, ({"seconds": seconds, **head}, data))
            if line.poll(seconds):
                return _received(line)
        except (EOFError, OSError):
            self.close()
            raise EndedError from None
        self.close()
        raise LateError

    def stop(self) -> None:
        """End the process, whatever it does, from any thread; whoever waits for its answer is told."""
        if (running := self._running) is not None:
            running.kill()

    def close(self) -> None:
        """End the process, and forget it."""
        running, line, self._running, self._line = self._running, self._line, None, None
        if line is not None:
            line.close()
        if running is not None:
            running.kill()
            running.wait()

    def _started(self) -> Connection:
        if self._line is None:
            self._line, theirs = Pipe()
            with theirs:
                self._running = subprocess.Popen(
                    [sys.executable, "-P", "-c", self._code, str(theirs.fileno())], pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment(),
                )  # fmt: skip
            _send(self._line, self._first)
            if not self._line.poll(_START_SECONDS):
                raise EOFError
            _received(self._line)
        return self._line


def opened() -> tuple[Connection, Message]:
    """Return, in the process itself, the line to who asks, and what it was told first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C reaches the whole group, and the parent ends this one itself
    line = Connection(int(sys.argv[1]))
    return line, _received(line)


def answer_all(line: Connection, answer: Callable[[dict[str, Any], bytes], Message], most_bytes: int) -> None:
    """Answer questions, in the process itself, until who asks is gone.

    Args:
        line: to who asks.
        answer: makes an answer.
        most_bytes: memory that the process may take, with the addresses that its libraries reserve and never touch.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(
        resource.RLIMIT_DATA, (most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard), hard)
    )
    _send(line, ({}, b""))
    with suppress(EOFError):
        while True:
            head, data = _received(line)
            # The system ends this process at a time at which the parent has given it up, or is no more.
            signal.setitimer(signal.ITIMER_REAL, float(head["seconds"]) + 1.0)
            _send(line, answer(head, data))
            signal.setitimer(signal.ITIMER_REAL, 0)


def _send(line: Connection, message: tuple[dict[str, Any], bytes | bytearray]) -> None:
    line.send_bytes(json.dumps(message[0]).encode())
    line.send_bytes(message[1])


def _received(line: Connection) -> Message:
    return json.loads(line.recv_bytes()), line.recv_bytes()


def _environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name != _SECRET}
    return {**own, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
