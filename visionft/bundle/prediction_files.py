"""Writing a table of answers: whole or not at all, in the format that its name asks for."""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from visionft.errors import UsageError
from visionft.files.temporary import reason_of
from visionft.photos import spreadsheet_safe

T = TypeVar("T")


def write_table(table: T, path: str | Path, writers: Mapping[str, Callable[[T, Path], None]], what: str) -> Path:
    """Write a table with the writer of the path's ending; see `table_file`."""
    with table_file(path, writers, what) as save:
        save(table)
    return Path(path)


@contextmanager
def table_file(
    path: str | Path, writers: Mapping[str, Callable[[T, Path], None]], what: str
) -> Iterator[Callable[[T], None]]:
    """Open a place for a table before the work that makes it, and yield what writes it there.

    What is there is replaced in one step, once the new file is whole; without a table, nothing is changed.

    Args:
        path: where to; folders above it that are missing are made.
        writers: by ending, with its dot.
        what: the table in a word, for errors.

    Raises:
        UsageError: another ending, or a place that cannot be written.
    """
    target = Path(path)
    write = writers.get(target.suffix.lower())
    if write is None:
        raise UsageError(f"{what} cannot be written to {target}: give a name that ends in {', '.join(writers)}")
    made = [folder for folder in target.parents if not os.path.lexists(folder)]
    # Not a name that somebody could guess and lay a link at, and not one that the target's own may make too long.
    partial = target.with_name(f".{secrets.token_hex(8)}.partial")

    def save(table: T) -> None:
        with _told(target, what):
            _create(partial)
            write(table, partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(target)

    try:
        with _told(target, what):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise IsADirectoryError(0, "Is a directory")
            _create(partial)
            partial.unlink()  # the work may be to read this very folder
        yield save
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
            for folder in made:  # those with a file in them stay
                folder.rmdir()


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], path: Path) -> None:
    """Write rows under a line of column names; text that a spreadsheet would compute becomes text for it too."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: spreadsheet_safe(v) if isinstance(v, str) else v for name, v in row.items()})


@contextmanager
def _told(target: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = reason_of(error)
        raise UsageError(f"{what} cannot be written to {target} ({reason}): give another place") from error
