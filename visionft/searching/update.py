"""Making an index the image of a catalogue: what is new is embedded, what changed is embedded again, what went goes.

Each batch is one transaction, so a process that is killed loses the batch at work and nothing else; what was done is
known by the digests, and is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

from visionft.errors import PhotoError
from visionft.machine.cores import cores
from visionft.photos import Item, Quarantined, contents, decode, digest, printable
from visionft.searching.condition import quoted
from visionft.searching.origin import NO_DIRECTION, Embedder, unit_vector
from visionft.searching.store import GIVEN, Store
from visionft.searching.stored_vectors import encode
from visionft.serving.streaming import Outcome, Photo, answered

Progress = Callable[[int, int], None]
Row = tuple[str, str | None, str | None, str | None]

LOOKED = 512
"""Photos whose digests are compared at one time."""
WRITTEN = 256
"""Photos in one transaction: what a kill costs, at most, beside the batches on their way to the network."""


@dataclass(frozen=True, eq=False)
class Listed:
    """The photos of a catalogue.

    Attributes:
        root: folder that paths are relative to.
        number: of the photos.
        rows: makes (path, label, split, group) of each, as often as it is called; each path once.
        columns: further columns by name; each makes its values by path, where a photo has one.
        max_pixels: photos of more pixels are left out.
    """

    root: Path
    number: int
    rows: Callable[[], Iterator[Row]]
    columns: Mapping[str, Callable[[], Mapping[str, Any]]]
    max_pixels: int


@dataclass
class Changes:
    """What one pass did.

    Attributes:
        added: photos that are new.
        changed: photos whose bytes are others than before.
        described: photos that are the same, with another label or another value in a column.
        removed: rows whose photo the catalogue has no more, or that cannot be read any more.
        unchanged: photos that are as they were.
        left_out: photos that could not be read, with reasons.
    """

    added: int = 0
    changed: int = 0
    described: int = 0
    removed: int = 0
    unchanged: int = 0
    left_out: list[Quarantined] = field(default_factory=list)

    @property
    def moved_vectors(self) -> bool:
        """Whether any vector came or went."""
        return bool(self.added or self.changed or self.removed)


def update(store: Store, listed: Listed, embedder: Embedder, on_progress: Progress | None = None) -> Changes:
    """Bring an index up to a catalogue, in the memory of a few batches.

    Args:
        store: open for writing, made by the same model.
        listed: the catalogue.
        embedder: the model.
        on_progress: called with (photos done, photos in all).
    """
    return _Pass(store, listed, embedder, on_progress or (lambda *_: None)).run()


class _Pass:
    def __init__(self, store: Store, listed: Listed, embedder: Embedder, on_progress: Progress) -> None:
        self.store, self.listed, self.embedder, self.on_progress = store, listed, embedder, on_progress
        self.changes, self._sent, self._done = Changes(), dict[int, tuple[str, bytes]](), 0
        self._columns = [*GIVEN[1:], *listed.columns]
        self._kind = store.kind

    def run(self) -> Changes:
        self._list()
        waiting: list[tuple[str, bytes, bytes]] = []
        for outcome in answered(self._items(), self.embedder.prepare, self.embedder.embed):
            waiting += self._vector(outcome)
            if len(waiting) >= WRITTEN:
                self._write(waiting)
                waiting = []
        self._write(waiting)
        self._describe()
        self._remove()
        return self.changes

    def _list(self) -> None:
        """Put the catalogue into a table of this connection alone, which lies on the disk where it is large."""
        run, columns = self.store.connection.execute, ", ".join(map(quoted, self._columns))
        run("DROP TABLE IF EXISTS temp.listed")
        run(f"CREATE TEMP TABLE listed (path TEXT PRIMARY KEY, {columns}) WITHOUT ROWID")
        with self.store.transaction():
            filler = 'INSERT INTO listed (path, label, split, "group") VALUES (?, ?, ?, ?)'
            self.store.connection.executemany(filler, self.listed.rows())
            for name, values in self.listed.columns.items():
                pairs = ((value, path) for path, value in values().items())
                self.store.connection.executemany(f"UPDATE listed SET {quoted(name)} = ? WHERE path = ?", pairs)

    def _items(self) -> Iterator[Item]:
        """Yield the photos that are to be embedded, in the catalogue's order."""
        names = (row[0] for row in self.listed.rows())
        place = count()
        with ThreadPoolExecutor(cores()) as pool:
            while paths := list(islice(names, LOOKED)):
                known = self._known(paths)
                found = list(pool.map(self._digest, paths))
                copies = []
                for path, mark in zip(paths, found, strict=True):
                    if isinstance(mark, PhotoError):
                        self._leave_out(path, mark.reason)
                    elif known.get(path) == mark:
                        self.changes.unchanged += 1
                        self._advance(1)
                    elif (vector := self._embedded(mark)) is not None:
                        copies.append((path, mark, vector))
                    else:
                        self._sent[next(place)] = (path, mark)
                        yield Item(path, lambda path=path, mark=mark: self._load(path, mark))  # type: ignore[misc]
                self._write(copies)

    def _digest(self, path: str) -> bytes | PhotoError:
        try:
            return bytes.fromhex(digest(contents(self.listed.root / path)))
        except PhotoError as error:
            return PhotoError(error.reason)  # anew: the caught one would hold the file's bytes in its traceback

    def _load(self, path: str, mark: bytes) -> Photo:
        data = contents(self.listed.root / path)
        if bytes.fromhex(digest(data)) != mark:
            raise PhotoError("it changed while it was read")
        return decode(data, max_pixels=self.listed.max_pixels)

    def _known(self, paths: Sequence[str]) -> dict[str, bytes]:
        marks = ",".join("?" * len(paths))
        return dict(
            self.store.connection.execute(f"SELECT path, photo_sha256 FROM photos WHERE path IN ({marks})", paths)
        )

    def _embedded(self, mark: bytes) -> bytes | None:
        """Return the vector of a photo with the same bytes: a copy, or the same photo under the name it had."""
        row = self.store.connection.execute(
            "SELECT vector FROM vectors WHERE id = (SELECT min(photo_number) FROM photos WHERE photo_sha256 = ?)",
            (mark,),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def _vector(self, outcome: Outcome[Any]) -> list[tuple[str, bytes, bytes]]:
        path, mark = self._sent.pop(outcome.place)
        vector = None if outcome.answer is None else unit_vector(outcome.answer)
        if vector is None:
            self._leave_out(path, outcome.problem or NO_DIRECTION)
            return []
        return [(path, mark, encode(vector, self._kind))]

    def _leave_out(self, path: str, reason: str) -> None:
        self.changes.left_out.append(Quarantined(printable(path), reason))
        self.store.connection.execute("DELETE FROM listed WHERE path = ?", (path,))  # a row that it had goes at the end
        self._advance(1)

    def _write(self, photos: Sequence[tuple[str, bytes, bytes]]) -> None:
        if not photos:
            return
        run, columns = self.store.connection.execute, ", ".join(map(quoted, self._columns))
        insert = (
            f"INSERT INTO photos (path, photo_sha256, {columns}) SELECT path, ?, {columns} FROM listed WHERE path = ?"
        )
        with self.store.transaction():
            for path, mark, vector in photos:
                run("DELETE FROM vectors WHERE id = (SELECT photo_number FROM photos WHERE path = ?)", (path,))
                again = run("DELETE FROM photos WHERE path = ?", (path,)).rowcount
                new = run(insert, (mark, path)).lastrowid
                run("INSERT INTO vectors VALUES (?, ?)", (new, vector))
                self.changes.changed += again
                self.changes.added += 1 - again
        self._advance(len(photos))

    def _describe(self) -> None:
        """Write what the catalogue says now of photos that stayed as they were."""
        named = [quoted(name) for name in self._columns]
        differ = " OR ".join(f"photos.{name} IS NOT l.{name}" for name in named)
        with self.store.transaction():
            self.changes.described = self.store.connection.execute(
                f"UPDATE photos SET ({', '.join(named)}) = (SELECT {', '.join(named)} FROM listed l WHERE "
                f"l.path = photos.path) WHERE EXISTS (SELECT 1 FROM listed l WHERE l.path = photos.path AND ({differ}))"
            ).rowcount
        self.changes.unchanged -= self.changes.described

    def _remove(self) -> None:
        gone = "SELECT photo_number FROM photos WHERE path NOT IN (SELECT path FROM listed)"
        with self.store.transaction():
            self.store.connection.execute(f"DELETE FROM vectors WHERE id IN ({gone})")
            self.changes.removed = self.store.connection.execute(
                f"DELETE FROM photos WHERE photo_number IN ({gone})"
            ).rowcount

    def _advance(self, photos: int) -> None:
        self._done += photos
        self.on_progress(self._done, self.listed.number)
