"""^C and SIGTERM from the first line of `main` to its last: one sentence and an exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from visionft.cli.error_output import print_errors
from visionft.machine.process_state import handling_signals

_WAIT = 0.02  # seconds until an interruption that came during an import is tried again
_SENTENCES = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated; the same command starts again or goes on",
}


class StoppedError(KeyboardInterrupt):
    """A signal came; not an Exception, so that everything on the way is closed and nothing swallows it.

    Attributes:
        exit_code: 128 plus the signal's number, as shells count.
    """

    def __init__(self, number: int) -> None:
        super().__init__(_SENTENCES[signal.Signals(number)])
        self.exit_code = 128 + number


class _Handler:
    """The handler of both signals while a command runs; training puts its own in its place, which checkpoints."""

    def __init__(self, base: FrameType) -> None:
        self._base = base
        self._waiting: threading.Timer | None = None
        self._number: int | None = None
        self._own = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise, unless modules are being imported: these swallow what is raised, or print it with its traceback.

        Then it is tried again until they are there; a second signal meanwhile ends the process where it stands.
        """
        if not self._importing(frame or sys._getframe()):
            self._number = None
            raise StoppedError(number)
        if self._number is not None and not self._own:  # asked for twice
            os._exit(print_errors([_SENTENCES[signal.Signals(number)]], 128 + number))
        self._number, self._own = number, False
        # To the main thread, so that it wakes up where it sleeps or reads meanwhile.
        self._waiting = threading.Timer(_WAIT, self._again, [number])
        self._waiting.daemon = True
        self._waiting.start()

    def _again(self, number: int) -> None:
        self._own = True
        signal.pthread_kill(threading.main_thread().ident or 0, number)

    def settle(self) -> None:
        """Raise what still waits: the work ended before it could be tried again."""
        if self._number is not None:
            raise StoppedError(self._number)

    def cancel(self) -> None:
        """Let nothing come any more."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _importing(self, frame: FrameType | None) -> bool:
        while frame is not None and frame is not self._base:
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                return True
            frame = frame.f_back
        return False


@contextmanager
def handled_signals() -> Iterator[None]:
    """Let ^C and SIGTERM end what runs in the block by `StoppedError`; outside the main thread nothing is changed."""
    handler = _Handler(sys._getframe(2))  # above this generator and contextlib: whoever said `with`
    numbers = [number for number in _SENTENCES if signal.getsignal(number) is not signal.SIG_IGN]
    with handling_signals(handler, numbers):
        try:
            yield
            handler.settle()
        finally:
            handler.cancel()
