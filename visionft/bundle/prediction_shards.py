"""Answers as files of a folder, each whole or not there: what a killed process leaves is gone on with.

The file `part-00002.parquet` holds the rows from 2048 to 3071, whoever answers them and in whichever order; so a row is
neither lost nor written twice, and two processes that answer the same file write the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from visionft.bundle.photo_list import Listed, listed_of, read_part, write_list
from visionft.bundle.predictions import Predictions
from visionft.errors import DiskSpaceError, UsageError
from visionft.files.atomic_file import PARTIAL, atomic_file, locked_folder, sweep_files
from visionft.files.safe_json import read_object
from visionft.files.safe_open import UnreadableError
from visionft.files.temporary import FULL, reason_of
from visionft.photos import Entry, Item

RECORD, PHOTOS = "_predict.json", "_photos.parquet"
"""Names that begin with `_` are passed over by what reads a folder of Parquet files."""
SHARD_ROWS = 1024
"""Photos of one file: what a kill costs, at most. A multiple of the photos that go through the network together."""
VERSION = 1


@dataclass(frozen=True)
class Subject:
    """What answers, as far as the answers hang on it.

    Attributes:
        model: SHA-256 of the weights with what stands around them.
        task: what is answered.
        classes: their names.
        adapter: the one that answers.
        top: labels of each photo.
    """

    model: str
    task: str
    classes: tuple[str, ...]
    adapter: str | None = None
    top: int = 1


@dataclass(frozen=True)
class Shards:
    """A folder that answers are written into.

    Attributes:
        folder: it.
        subject: what answers.
        photos: what is asked about.
        rows: photos of a file.
    """

    folder: Path
    subject: Subject
    photos: Listed
    rows: int

    @classmethod
    def open(cls, folder: Path) -> Shards:
        """Read what a folder was begun with; UsageError where there is nothing, or nothing of this version."""
        try:
            record = read_object(folder / RECORD)
        except (OSError, UnreadableError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", "")
            raise UsageError(f"{folder / RECORD} cannot be read ({reason}): give another --out") from error
        if record.get("version") != VERSION:
            raise UsageError(
                f"{folder} was begun by another version of visionft: go on with that, or give another --out"
            )
        subject = {**record["subject"], "classes": tuple(record["subject"]["classes"])}
        return cls(folder, Subject(**subject), Listed(**record["photos"]), record["rows"])

    @property
    def numbers(self) -> range:
        """The files, by number."""
        return range(-(-self.photos.number // self.rows))

    def indices(self, number: int) -> range:
        """The photos of a file, by their places in the list."""
        return range(number * self.rows, min((number + 1) * self.rows, self.photos.number))

    def place(self, number: int) -> Path:
        """Where a file is."""
        return self.folder / f"part-{number:05}.parquet"

    def items(self, number: int) -> Iterator[Item]:
        """Yield the photos of a file, to ask about."""
        return read_part(self.folder / PHOTOS, number)

    def missing(self) -> list[int]:
        """Return the files that are to be written, in order."""
        return [number for number in self.numbers if not self._holds(number)]

    def _holds(self, number: int) -> bool:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return bool(pq.read_metadata(self.place(number)).num_rows == len(self.indices(number)))
        except (OSError, pa.ArrowException):
            return False

    def write(self, number: int, predictions: Predictions) -> None:
        """Write a file in one step: the rows with the place of each in the list of photos, `index`.

        Raises:
            UsageError, DiskSpaceError: it cannot be written.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = predictions.with_top(self.subject.top).to_arrow()
        index = pa.array(self.indices(number), pa.int64())
        with told(self.folder), atomic_file(self.place(number)) as partial:
            pq.write_table(table.add_column(0, pa.field("index", pa.int64()), index), partial)


@contextmanager
def shards_in(
    folder: Path, subject: Subject, entries: Callable[[], Iterable[Entry]], *, resume: bool, rows: int = SHARD_ROWS
) -> Iterator[Shards]:
    """Yield a folder for answers, made or gone on with, which other processes keep out of meanwhile.

    Args:
        folder: made where there is none.
        subject: what answers.
        entries: lists the photos.
        resume: whether a folder that was begun is gone on with.
        rows: photos of a file; of a folder that was begun, those it was begun with.

    Raises:
        UsageError: the folder holds other files, was begun with another model, settings or photos, or is in use.
        DiskSpaceError: the disk is full.
    """
    made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    try:
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _require_ours(folder, resume)
            if (folder / RECORD).exists():
                shards = Shards.open(folder)
                _require_same(shards, subject, listed_of(entries(), shards.rows))
            else:
                shards = _begun(folder, subject, entries(), rows)
            yield shards
    finally:
        with suppress(OSError):
            for each in made:  # those with a file in them stay
                each.rmdir()


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Say in one sentence that a folder of answers cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskSpaceError(f"the disk of {folder} is full: make room, and go on with --resume") from error
        raise UsageError(f"answers cannot be written to {folder} ({reason_of(error)}): give another place") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        with told(folder):
            try:
                stack.enter_context(locked_folder(folder))
            except BlockingIOError:
                words = "is being written by another process: wait for it, or give another --out"
                raise UsageError(f"{folder} {words}") from None
            sweep_files(folder)
        yield


def _require_ours(folder: Path, resume: bool) -> None:
    names = {name for name in os.listdir(folder) if not name.endswith(PARTIAL)}  # noqa: PTH208  # names alone
    if RECORD in names:
        if not resume:
            raise UsageError(f"{folder} holds answers of an earlier call: go on with --resume, or give another --out")
    elif other := sorted(names - {PHOTOS}):
        raise UsageError(f"{folder} holds other files, such as {other[0]}: give a new or empty folder with --out")


def _require_same(found: Shards, subject: Subject, photos: Listed) -> None:
    then = found.subject
    other = {
        "another model": (then.model, then.task, then.classes) != (subject.model, subject.task, subject.classes),
        f"{_spelt('--adapter', then.adapter)}, not {_spelt('--adapter', subject.adapter)}": (
            then.adapter != subject.adapter
        ),
        f"--top {then.top}, not --top {subject.top}": then.top != subject.top,
        f"another list of photos ({found.photos.number:,} then, {photos.number:,} now)": found.photos != photos,
    }
    said = [words for words, differs in other.items() if differs]
    if said:
        raise UsageError(
            f"{found.folder} was begun with {' and '.join(said)}: go on with what it was begun with, "
            "or give another --out"
        )


def _spelt(flag: str, value: str | None) -> str:
    return f"no {flag}" if value is None else f"{flag} {value}"


def _begun(folder: Path, subject: Subject, entries: Iterable[Entry], rows: int) -> Shards:
    with told(folder):
        shards = Shards(folder, subject, write_list(folder / PHOTOS, entries, rows), rows)
        record: dict[str, Any] = {"version": VERSION, **asdict(shards)}
        del record["folder"]
        with atomic_file(folder / RECORD) as partial:  # last: a folder that holds it has its list
            partial.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return shards
