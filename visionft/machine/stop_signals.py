"""^C and SIGTERM: finish the step, write a checkpoint, then leave."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from visionft.machine.process_state import handling_signals


class Interrupted(KeyboardInterrupt):
    """Work was interrupted after its state was written; `exit_code` is 128 plus the signal's number.

    Attributes:
        signal: its number.
        said_elsewhere: whether another process of the same fit says it, so that this one ends without a word.
    """

    said_elsewhere = False

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal, self.exit_code = signal_number, 128 + signal_number

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in the place of a traceback: nothing went wrong."""
        return [str(self)]


class Interruption:
    """Remembers the first SIGINT or SIGTERM; the second one interrupts at once."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def agree(self, most: Callable[[int], list[int]]) -> None:
        """Take the signal of another process for one's own: `most` finds the largest number over them, 0 for none."""
        self.signal = most(self.signal or 0)[0] or None

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Take note of a signal."""
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number


@contextmanager
def watching() -> Iterator[Interruption]:
    """Watch for signals while the block runs; outside the main thread Python allows no handlers, and none is set."""
    interruption = Interruption()
    with handling_signals(interruption, (signal.SIGINT, signal.SIGTERM)):
        yield interruption
