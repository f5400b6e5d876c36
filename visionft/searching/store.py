"""An index on disk: rows and vectors in SQLite, changed in whole transactions, read while they are written.

`photos` has a row a photo, `vectors` its embedding, `facts` what holds for all. A photo that changes gets a new id, and
no id is given twice: what knows photos by their ids (the approximate neighbours) is never wrong, only behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.errors import SearchIndexError
from visionft.searching.condition import quoted
from visionft.searching.origin import Origin, Vectors
from visionft.searching.threshold import Chunk, Threshold

PHOTOS, NEIGHBOURS = "photos.sqlite", "neighbours.usearch"
"""Files of an index."""
GIVEN = ("path", "label", "split", "group")
"""Columns that every index has, as a manifest and a run's splits.csv name them."""
RESERVED = ("photo_number", "photo_sha256")
"""Columns of our own, which no condition names and no catalogue brings."""
OF_A_HIT = ("score", "picture")
"""What a search says of a photo beside its columns, under names that no catalogue brings."""
CHUNK = 4096
"""Vectors that are read at one time."""
VALUES = 500
"""Values in one statement: older SQLite takes 999."""


class Store:
    """An open index.

    Attributes:
        folder: where it is.
        connection: to its rows.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder, self.connection = folder, connection

    def fact(self, name: str) -> Any:
        """Return what is kept under a name; None: nothing."""
        row = self.connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def keep(self, name: str, value: Any) -> None:
        """Keep plain values under a name."""
        self.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    @property
    def origin(self) -> Origin | None:
        """The model that made it; None where it was only just created."""
        record = self.fact("origin")
        return None if record is None else Origin.from_json(record)

    def require_origin(self) -> Origin:
        """Return the model that made it; SearchIndexError where there is none yet."""
        if self.origin is None:
            raise SearchIndexError(f"the index {self.folder} is empty; run the `visionft index` that made it again")
        return self.origin

    @property
    def threshold(self) -> Threshold | None:
        """The threshold that was fitted to its photos; None: there is none."""
        record = self.fact("threshold")
        return None if record is None else Threshold.from_json(record)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that conditions may name and hits show: the given ones, then the manifest's."""
        return (*GIVEN, *(self.fact("columns") or ()))

    def __len__(self) -> int:
        return int(self.connection.execute("SELECT count(*) FROM photos").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what the block does one step: all of it is there afterwards, or nothing."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def add_columns(self, names: Sequence[str]) -> None:
        """Give the rows the columns of a catalogue; those that an earlier one had stay, unseen."""
        there = {row[1].lower() for row in self.connection.execute("PRAGMA table_info(photos)")}
        with self.transaction():
            for name in names:
                if name.lower() not in there:  # without a type: a number stays a number, and 007 a text
                    self.connection.execute(f"ALTER TABLE photos ADD COLUMN {quoted(name)}")
            self.keep("columns", list(names))

    def ids(self) -> NDArray[np.int64]:
        """Return the id (n,) of every photo, in order."""
        return np.fromiter(
            (row[0] for row in self.connection.execute("SELECT photo_number FROM photos ORDER BY photo_number")),
            np.int64,
        )

    def labels(self) -> dict[int, str]:
        """Return the class of every photo that has one, by its id."""
        rows = self.connection.execute("SELECT photo_number, label FROM photos WHERE label IS NOT NULL")
        return {number: str(label) for number, label in rows}

    def vectors(self, after: int = 0) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
        """Yield ids (m,) above `after` and their vectors (m, D), in order, some at a time."""
        while True:
            rows = self.connection.execute(
                "SELECT id, vector FROM vectors WHERE id > ? ORDER BY id LIMIT ?", (after, CHUNK)
            ).fetchall()
            if not rows:
                return
            yield np.array([row[0] for row in rows], np.int64), _stacked([row[1] for row in rows])
            after = rows[-1][0]

    def chunks(self, after: int = 0) -> Iterator[Chunk]:
        """Yield all photos whose ids are above `after`, with vectors, products and digests, some at a time."""
        while rows := self._joined("p.photo_number > ? ORDER BY p.photo_number", (after,)):
            yield _chunk(rows)
            after = rows[-1][0]

    def sample(self, number: int) -> Chunk:
        """Return so many photos with a product, the same ones each time."""
        return _chunk(self._joined(f"({PRODUCT}) IS NOT NULL ORDER BY p.photo_sha256", (), number))

    def _joined(self, where: str, values: Sequence[int], limit: int = CHUNK) -> list[Any]:
        return self.connection.execute(
            f"SELECT p.photo_number, v.vector, {PRODUCT}, p.photo_sha256 "
            f"FROM photos p JOIN vectors v ON v.id = p.photo_number WHERE {where} LIMIT {limit}",
            values,
        ).fetchall()

    def rows(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return the columns of photos by their ids; those that are gone are not there."""
        columns = self.columns
        names, found = ", ".join(map(quoted, columns)), {}
        for start in range(0, len(ids), VALUES):
            some = list(map(int, ids[start : start + VALUES]))
            marks = ",".join("?" * len(some))
            for row in self.connection.execute(
                f"SELECT photo_number, {names} FROM photos WHERE photo_number IN ({marks})", some
            ):
                found[row[0]] = dict(zip(columns, row[1:], strict=True))
        return found

    def chunk_of(self, ids: NDArray[np.int64]) -> Chunk:
        """Return photos by their ids; those that are gone are not there."""
        rows: list[Any] = []
        for start in range(0, len(ids), VALUES):
            some = ids[start : start + VALUES].tolist()
            rows += self._joined(f"p.photo_number IN ({','.join('?' * len(some))}) ORDER BY p.photo_number", some)
        return _chunk(rows)

    def close(self) -> None:
        """Close it; the last writer leaves one file."""
        self.connection.close()


PRODUCT = "CASE WHEN p.\"group\" IS NOT NULL THEN 'group ' || p.\"group\" ELSE 'label ' || p.label END"
"""What a photo is a photo of: its product where it has one, else its class."""


def _stacked(blobs: Sequence[bytes]) -> Vectors:
    return np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), -1 if blobs else 0)


def _chunk(rows: Sequence[Any]) -> Chunk:
    ids, blobs, products, digests = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])
    return Chunk(np.array(ids, np.int64), _stacked(blobs), products, digests)
