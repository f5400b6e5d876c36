"""corrections.csv: a line an answer, on disk before it counts, added to by any number of processes at once."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from visionft.data.answer_log import UNDO, cut, next_time
from visionft.data.suggestions import SIGNED, Suggestion, rows_of
from visionft.errors import DataError, DiskSpaceError, UsageError
from visionft.files.temporary import FULL
from visionft.photos import from_spreadsheet, printable, spreadsheet_safe
from visionft.reviewing.locked_file import append_whole, open_locked, read_from, sync_folder
from visionft.wording.safe_text import steers

_HEADER = ",".join(SIGNED) + "\n"


class NothingToUndoError(UsageError):
    """An answer cannot be taken back, now or later: to ask again is of no use."""


@dataclass(frozen=True)
class Lines:
    """Lines of a file as it was in one moment.

    Attributes:
        rows: the lines, in order.
        end: number of lines up to the last of them.
        edits: how often the file was changed other than by adding to it.
    """

    rows: list[Suggestion]
    end: int
    edits: int


class AnswerFile:
    """The answers of a file, as they stand, with those that others add to it meanwhile.

    A line is one answer and is never changed: an `undo` takes an earlier one back, and of several the last stands. Each
    is written under an advisory lock, and flushed to the disk, before it counts. What a killed process left of a line
    is cut off by the next one that writes. What somebody changes by hand is noticed, and the file read from its start.

    Args:
        path: of the file; made with the first answer.

    Raises:
        UsageError: it is another kind of file, or cannot be used.
        DataError: a line cannot be read; it is named.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Suggestion] = []
        """Every line, in order."""
        self.torn = False
        """Whether the last line was cut off when the file was opened."""
        self.edits = 0
        """How often the file was changed other than by adding to it."""
        self._threads = threading.RLock()
        self._seen = b""  # the whole lines that were read, each with its end
        self._standing: dict[str, dict[str, Suggestion]] = {}
        try:
            with path.open("rb") as file:
                self.torn = bool(self._catch_up(file.fileno()))
        except (FileNotFoundError, NotADirectoryError):  # the first answer makes it, or says why not
            pass
        except OSError as error:
            raise UsageError(f"--out: {path} cannot be read ({error.strerror}); name another file") from error

    def _forget(self) -> None:
        self.edits += bool(self._seen)
        self.rows.clear()
        self._standing.clear()
        self._seen = b""

    def _require_ours(self, data: bytes) -> None:
        first = data.partition(b"\n")[0].removeprefix(b"\xef\xbb\xbf")[:1000]
        torn = b"\n" not in data and _HEADER.encode().startswith(first)  # the process ended within the first line
        if not torn and first.rstrip(b"\r") != _HEADER.strip().encode():
            begins = printable(first.rstrip().decode("latin-1"))[:60]
            raise UsageError(
                f"--out: {self.path} is no corrections.csv, as its first line is {begins}; name another file"
            )

    def answer(self, path: str) -> Suggestion | None:
        """Return what stands of a photo; None: nothing."""
        with self._threads:
            found = self._standing.get(path)
            return next(reversed(found.values())) if found else None

    def answered(self) -> dict[str, Suggestion]:
        """Return what stands, by the photos' paths."""
        with self._threads:
            return {path: next(reversed(found.values())) for path, found in self._standing.items() if found}

    def last_of(self, who: str) -> Suggestion | None:
        """Return the last answer of a person that was not taken back; None: there is none."""
        who = _signed(who)
        with self._threads:
            return next(
                (r for r in reversed(self.rows) if r.who == who and r.when in self._standing.get(r.path, ())), None
            )

    def since(self, start: int, most: int) -> Lines:
        """Return the lines after the first `start`, `most` at most; none where the file has fewer."""
        with self._threads:
            start = start if 0 <= start <= len(self.rows) else len(self.rows)
            rows = self.rows[start : start + most]
            return Lines(rows, start + len(rows), self.edits)

    def refresh(self) -> None:
        """Read what others added since.

        Raises:
            DataError: the file or a line cannot be read; it is named.
            UsageError: another kind of file took its place.
        """
        with self._threads:
            try:
                with self.path.open("rb") as file:
                    self._catch_up(file.fileno())
            except FileNotFoundError:
                self._forget()
            except OSError as error:
                raise DataError(f"{self.path} cannot be read ({error.strerror}); mend that, and go on") from error

    def append(self, path: str, action: str, value: str, reason: str, who: str) -> tuple[Suggestion, Suggestion | None]:
        """Write an answer; return it, and what stood of the photo a moment before.

        Raises:
            UsageError: the path holds an end of line, which a line cannot.
            DiskSpaceError: the disk is full; nothing of the line is left.
            DataError: the file cannot be written, or read.
        """
        with self._threads, self._locked() as descriptor:
            before = self.answer(path)
            return self._add(descriptor, path, action, value, reason, who), before

    def append_if_open(self, path: str, action: str, value: str, reason: str, who: str) -> tuple[Suggestion, bool]:
        """Write an answer to a photo that has none; return what stands then, and whether it was written.

        Raises:
            UsageError, DiskSpaceError, DataError: as of `append`.
        """
        with self._threads, self._locked() as descriptor:
            standing = self.answer(path)  # under the lock: an answer of the same moment is not overridden
            if standing is not None:
                return standing, False
            return self._add(descriptor, path, action, value, reason, who), True

    def undo(self, path: str, when: str, who: str) -> tuple[Suggestion, Suggestion]:
        """Take back a person's answer to a photo, given at `when`; return it, and the line that takes it back.

        Raises:
            NothingToUndoError: it is not there, was taken back already, or is somebody else's.
            DiskSpaceError, DataError: as of `append`.
        """
        with self._threads, self._locked() as descriptor:
            taken = self._standing.get(path, {}).get(when)
            if taken is None:
                raise NothingToUndoError(
                    f"the answer of {printable(when)} is taken back already; go on with the next photo"
                )
            if taken.who != _signed(who):
                raise NothingToUndoError(
                    f"the answer to {printable(path)} is by {printable(taken.who) or 'nobody named'}, not by "
                    f"{printable(who)}; give another answer, which stands above it"
                )
            return taken, self._add(descriptor, path, UNDO, when, "", who)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open_locked(self.path) as file:
                self._catch_up(file.fileno())
                if not self._seen:
                    self._write(file.fileno(), _HEADER.encode())
                    self._catch_up(file.fileno())
                    sync_folder(self.path.parent)
                yield file.fileno()
        except OSError as error:
            if error.errno in FULL:
                raise DiskSpaceError(f"{self.path} cannot be written ({error.strerror}); make room") from error
            raise DataError(f"{self.path} cannot be written ({error.strerror}); name another --out") from error

    def _add(self, descriptor: int, path: str, action: str, value: str, reason: str, who: str) -> Suggestion:
        if steers(path + value):
            raise UsageError(f"{printable(path)} has a control character in its name; rename it, and review again")
        when = next_time([row.when for row in self.rows])
        text = StringIO()
        cells = (spreadsheet_safe(cell) for cell in (path, action, value, printable(reason)))
        csv.writer(text, lineterminator="\n").writerow([*cells, "1.000", spreadsheet_safe(printable(who)), when])
        self._write(descriptor, text.getvalue().encode())
        self._catch_up(descriptor)
        return self.rows[-1]

    def _write(self, descriptor: int, data: bytes) -> None:
        """Write a line whole and to the disk, or nothing of it; what a killed process left before it is cut off."""
        start = max(0, len(self._seen) - 1)  # of the end of the last line
        end = read_from(descriptor, start)
        _, torn = cut(end)
        if torn:
            os.ftruncate(descriptor, start + len(end) - len(torn))
        elif self._seen and not end:  # an editor left it out
            data = b"\n" + data
        append_whole(descriptor, data)

    def _catch_up(self, descriptor: int) -> bytes:
        """Read what is new, or everything where what was read is no longer there; return a last line that is torn."""
        whole, torn = cut(read_from(descriptor, 0))
        edited = not whole.startswith(self._seen)
        seen = b"" if edited else self._seen
        if not seen:
            self._require_ours(whole or torn)
        added: tuple[Suggestion, ...] = ()
        text = whole[len(seen) :].decode("utf-8-sig", "replace")
        if text:  # a line that cannot be read leaves all as it was
            # Lines that were added have no header of their own; it counts as one, and so does a row's own line.
            added = rows_of(self.path, _HEADER + text, seen.count(b"\n") - 1) if seen else rows_of(self.path, text)
        if edited:
            self._forget()
        for row in added:
            self._count(row)
        self._seen = whole
        return torn

    def _count(self, row: Suggestion) -> None:
        self.rows.append(row)
        standing = self._standing.setdefault(row.path, {})
        if row.action == UNDO:
            standing.pop(row.value, None)
        else:
            standing.pop(row.when, None)
            standing[row.when] = row


def _signed(who: str) -> str:
    """Return a name as a line has it."""
    return from_spreadsheet(spreadsheet_safe(printable(who)))
