"""What a person watching sees: lines on standard output, a bar in a notebook, or on standard error of a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from visionft.machine.notebook_bar import notebook_bar, notebook_display

Say = Callable[[str], None]
Advance = Callable[[int, int], None]
SILENT = "VISIONFT_NO_BARS"
"""Variable of a process whose caller shows a bar of its own for it."""


class RateColumn(ProgressColumn):
    """Photos a second."""

    def render(self, task: Task) -> Text:
        """Return the rate as text, empty before the first photos."""
        return Text(f"{task.speed:.0f}/s" if task.speed else "")


@contextmanager
def bar(title: str, shown: bool = True) -> Iterator[Advance]:
    """Yield `advance(done, total)`, which moves a bar with rate and time left; silent where nobody sees it.

    Args:
        title: stands before the bar.
        shown: whether this process shows anything at all.
    """
    shown = shown and SILENT not in os.environ
    if shown and (display := notebook_display()) is not None:
        with notebook_bar(title, display) as advance:
            yield advance
        return
    console = Console(stderr=True)
    if not (shown and sys.stderr and console.is_terminal):
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
