"""A bar of progress in a notebook: one output that is shown anew, and gone at the end; it needs no widgets."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

PAUSE = 0.3
"""Seconds between two pictures of a bar: a notebook that is open elsewhere gets each of them."""
Show = Callable[[str], None]


def notebook_display() -> Any:
    """Return IPython's `display` where this process is a notebook's kernel; None elsewhere."""
    interactive = sys.modules.get("IPython")  # imported by whoever started the kernel, and by nobody here
    shell = interactive.get_ipython() if interactive is not None and hasattr(interactive, "get_ipython") else None
    if interactive is None or getattr(shell, "kernel", None) is None:
        return None
    return interactive.display.display


@contextmanager
def notebook_bar(title: str, display: Any) -> Iterator[Callable[[int, int], None]]:
    """Yield `advance(done, total)`, which moves a bar with rate and time left.

    Args:
        title: stands before the bar.
        display: IPython's function of that name.
    """
    began, shown, handle = time.monotonic(), 0.0, None

    def advance(done: int, total: int) -> None:
        nonlocal shown, handle
        now = time.monotonic()
        if now - shown < PAUSE:
            return
        shown, page = now, {"text/html": picture(title, done, total, now - began), "text/plain": title}
        if handle is None:
            handle = display(page, raw=True, display_id=True)
        else:
            handle.update(page, raw=True)

    try:
        yield advance
    finally:
        if handle is not None:
            handle.update({"text/html": "", "text/plain": ""}, raw=True)


def picture(title: str, done: int, total: int, seconds: float) -> str:
    """Return a bar as HTML: title, bar, number done of all, rate and seconds left."""
    rate = done / seconds if seconds > 0 else 0.0
    told = f"{done:,} of {total:,}"
    if rate:
        told += f", {rate:.0f}/s, {max(0.0, total - done) / rate:.0f} s left"
    return f'{escape(title)} <progress value="{done}" max="{max(1, total)}"></progress> {told}'
