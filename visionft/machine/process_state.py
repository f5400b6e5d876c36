"""What visionft changes for a whole process, each with its way back: signal handlers, loggers, variables.

A notebook or a server that calls us finds its process afterwards as it left it. Torch's
own settings are in `machine.arithmetic`.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def handling_signals(handler: Handler, numbers: Iterable[int]) -> Iterator[bool]:
    """Let a function handle signals while the block runs.

    Yields whether it does: outside the main thread Python allows no handlers, and nothing is changed there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield False
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield True
    finally:
        for number, former in before.items():
            # none: it was not set by Python, and cannot be set again by it
            signal.signal(number, former if former is not None else signal.SIG_DFL)


@contextmanager
def quiet_loggers(level: int, *names: str) -> Iterator[None]:
    """Let loggers say what is of a level and above while the block runs."""
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, former in before.items():
            logging.getLogger(name).setLevel(former)


@contextmanager
def without_logs(level: int) -> Iterator[None]:
    """Let no logger say what is of a level or below while the block runs, whatever its own level is."""
    before = logging.root.manager.disable
    logging.disable(level)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set variables of the environment while the block runs."""
    with same_environment(*variables):
        os.environ.update(variables)
        yield


@contextmanager
def same_environment(*names: str) -> Iterator[None]:
    """Give variables of the environment back what they have now, whatever the block sets."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, former in before.items():
            if former is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = former
