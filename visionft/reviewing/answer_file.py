"""corrections.csv: a line an answer, on disk before it counts, added to by any number of processes at once."""

from __future__ import annotations

import csv
import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import FileIO, StringIO
from pathlib import Path

from visionft.data.answer_log import UNDO, cut
from visionft.data.suggestions import SIGNED, Suggestion, rows_of
from visionft.errors import DataError, DiskSpaceError, UsageError
from visionft.files.temporary import FULL
from visionft.photos import printable, spreadsheet_safe
from visionft.wording.safe_text import steers

_HEADER = ",".join(SIGNED) + "\n"
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class AnswerFile:
    """The answers of a file, as they stand, with those that others add to it meanwhile.

    A line is one answer and is never changed: an `undo` takes an earlier one back, and of several the last stands. Each
    is written under an advisory lock, and flushed to the disk, before it counts. What a killed process left of a line
    is cut off by the next one that writes.

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
        self._threads = threading.RLock()
        self._forget()
        if path.exists():
            self._require_ours()
            self.refresh()
            self.torn = self._end < path.stat().st_size

    def _forget(self) -> None:
        self.rows.clear()
        self._end, self._lines, self._file = 0, 0, (0, 0)
        self._standing: dict[str, dict[str, Suggestion]] = {}

    def _require_ours(self) -> None:
        try:
            with self.path.open("rb") as file:
                first = file.readline(1000).removeprefix(b"\xef\xbb\xbf")
        except OSError as error:
            raise UsageError(f"--out: {self.path} cannot be read ({error.strerror}); name another file") from error
        torn = not first.endswith(b"\n") and _HEADER.encode().startswith(
            first
        )  # the process ended within the first line
        if not torn and first.rstrip(b"\r\n") != _HEADER.strip().encode():
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
        with self._threads:
            return next(
                (r for r in reversed(self.rows) if r.who == who and r.when in self._standing.get(r.path, ())), None
            )

    def refresh(self) -> None:
        """Read what others added since.

        Raises:
            DataError: a line cannot be read; it is named.
        """
        with self._threads:
            try:
                with self.path.open("rb") as file:
                    self._catch_up(file.fileno())
            except FileNotFoundError:
                self._forget()

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

    def undo(self, path: str, when: str, who: str) -> tuple[Suggestion, Suggestion]:
        """Take back the answer to a photo that was given at `when`; return it, and the line that takes it back.

        Raises:
            UsageError: it is not there, or was taken back already.
            DiskSpaceError, DataError: as of `append`.
        """
        with self._threads, self._locked() as descriptor:
            taken = self._standing.get(path, {}).get(when)
            if taken is None:
                raise UsageError(f"the answer of {printable(when)} is taken back already; go on with the next photo")
            return taken, self._add(descriptor, path, UNDO, when, "", who)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened() as file:
                self._catch_up(file.fileno())
                if not self._end:
                    self._write(file.fileno(), _HEADER.encode())
                    self._catch_up(file.fileno())
                    _sync_folder(self.path.parent)
                yield file.fileno()
        except OSError as error:
            if error.errno in FULL:
                raise DiskSpaceError(f"{self.path} cannot be written ({error.strerror}); make room") from error
            raise DataError(f"{self.path} cannot be written ({error.strerror}); name another --out") from error

    def _opened(self) -> FileIO:
        """Open and lock the file that has the path now: an editor may put another one there meanwhile."""
        while True:
            file = self.path.open("a+b", buffering=0)
            fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file closes
            if self.path.exists() and self.path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return file
            file.close()

    def _add(self, descriptor: int, path: str, action: str, value: str, reason: str, who: str) -> Suggestion:
        if steers(path + value):
            raise UsageError(f"{printable(path)} has a control character in its name; rename it, and review again")
        when = self._moment()
        text = StringIO()
        cells = (spreadsheet_safe(cell) for cell in (path, action, value, printable(reason)))
        csv.writer(text, lineterminator="\n").writerow([*cells, "1.000", spreadsheet_safe(printable(who)), when])
        self._write(descriptor, text.getvalue().encode())
        self._catch_up(descriptor)
        return self.rows[-1]

    def _moment(self) -> str:
        """Return the time, later than that of every line so far: it names the line."""
        now = datetime.now(UTC)
        last = max((row.when for row in self.rows[-1:]), default="")
        if now.strftime(_FORMAT) <= last:
            now = datetime.strptime(last, _FORMAT).replace(tzinfo=UTC) + timedelta(microseconds=1)
        return now.strftime(_FORMAT)

    def _write(self, descriptor: int, data: bytes) -> None:
        """Write a line whole and to the disk, or nothing of it; what a killed process left before it is cut off."""
        whole, torn = cut(_read(descriptor, self._end))
        if torn:
            os.ftruncate(descriptor, self._end + len(whole))
        elif whole:  # an editor left out its end
            data = b"\n" + data
        size = os.fstat(descriptor).st_size
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise

    def _catch_up(self, descriptor: int) -> None:
        state = os.fstat(descriptor)
        file = (state.st_dev, state.st_ino)
        if file != self._file or state.st_size < self._end:  # another file took its place: an editor saved it
            self._forget()
            self._file = file
        data = _read(descriptor, self._end)
        data = data[: data.rfind(b"\n") + 1]
        if not data:
            return
        text = data.decode("utf-8-sig", "replace")
        # Lines that were added have no header of their own; it counts as one, and so does a row's own line.
        added = rows_of(self.path, _HEADER + text, self._lines - 1) if self._end else rows_of(self.path, text)
        for row in added:
            self._count(row)
        self._end += len(data)
        self._lines += data.count(b"\n")

    def _count(self, row: Suggestion) -> None:
        self.rows.append(row)
        standing = self._standing.setdefault(row.path, {})
        if row.action == UNDO:
            standing.pop(row.value, None)
        else:
            standing.pop(row.when, None)
            standing[row.when] = row


def _read(descriptor: int, start: int) -> bytes:
    parts = []
    while part := os.pread(descriptor, 1 << 20, start):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _sync_folder(folder: Path) -> None:
    """Bring the name of a new file to the disk, where the system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
