"""Writing a table of answers: whole or not at all, in the format that its name asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from visionft.errors import UsageError
from visionft.files.creating import new_file, reason_of

T = TypeVar("T")


def write_table(table: T, path: str | Path, writers: Mapping[str, Callable[[T, Path], None]], what: str) -> Path:
    """Write a table with the writer of the path's ending.

    Args:
        table: what the writers take.
        path: where to; what is there is replaced once the new file is whole.
        writers: by ending, with its dot.
        what: the table in a word, for errors.

    Raises:
        UsageError: another ending, or a place that cannot be written.
    """
    target = Path(path)
    write = writers.get(target.suffix.lower())
    if write is None:
        raise UsageError(f"{what} cannot be written to {target}: give a name that ends in {', '.join(writers)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = new_file(target, ".partial")
        try:
            write(table, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        reason = reason_of(error)
        raise UsageError(f"{what} cannot be written to {target} ({reason}): give another place") from error
    return target
