"""An index that many queries are asked of, from several threads, while another process may bring it up to date."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from visionft import photos
from visionft.errors import UsageError
from visionft.photos import MAX_PIXELS
from visionft.searching.ask import Wanted, ask, permitted, require_answerable
from visionft.searching.look_up import Kept
from visionft.searching.open_store import mending, open_to_read, state_of
from visionft.searching.origin import NO_DIRECTION, Origin, Vectors, unit_vector
from visionft.searching.store import Store

PICTURE = 320
"""Pixels of the longer side of a picture that is shown."""


class LiveIndex:
    """An index on disk, with what every question needs in memory; that is read again once a writer changed the rows.

    Attributes:
        folder: of the index.
        origin: the model that made it.
    """

    def __init__(self, folder: Path, catalogue: Path | None = None, *, max_pixels: int = MAX_PIXELS) -> None:
        """Open it.

        Args:
            folder: that `visionft index` wrote.
            catalogue: the folder that the photos lie in now; None: where they were indexed.
            max_pixels: of a photo that is shown; larger ones are refused.

        Raises:
            SearchIndexError: there is no index, or it is damaged or of another version.
            UsageError: the folder of the photos is not there.
        """
        if catalogue is not None and not catalogue.is_dir():
            raise UsageError(f"--photos: there is no folder {catalogue}; give the one that the photos lie in now")
        self.folder, self._catalogue, self._max_pixels = folder, catalogue, max_pixels
        self._turn = threading.Lock()
        self._store: Store | None = None
        self._state: tuple[int, ...] | None = None
        self._version: int | None = None
        self._kept = Kept(None, None)
        with self._view() as store:
            self.origin: Origin = store.require_origin()

    @property
    def adapter(self) -> str | None:
        """The adapter whose embeddings it holds; None: its model has none."""
        return self.origin.adapter

    def find(self, names: Sequence[str], embeddings: Sequence[Vectors | str], **wanted: Any) -> dict[str, Any]:
        """Return what is near photos, as plain values: `threshold`, `rates`, `notes`, and `queries` in their order.

        Args:
            names: what the caller calls each photo.
            embeddings: (D,) of each, of any length; or the reason why it has none.
            wanted: of each; see `Wanted`.

        Raises:
            UsageError: a value has no meaning, the condition is none, or there are no products.
            SearchIndexError: there is no threshold for auto, or the index is damaged.
        """
        asked = Wanted(**wanted)
        units = [each if isinstance(each, str) else unit_vector(each) for each in embeddings]
        queries = [NO_DIRECTION if unit is None else unit for unit in units]
        with self._view() as store:
            require_answerable(store, asked)
            columns = store.columns
        with mending(self.folder):
            allowed = permitted(self.folder, asked.where, columns)  # may take seconds, which others need not wait for
        with self._view() as store:
            kept = self._kept_of(store)
            found = ask(store, list(zip(names, queries, strict=True)), asked, allowed, kept).to_json()
        del found["index"]
        return found

    def about(self) -> dict[str, Any]:
        """Return how many photos there are, the columns of conditions, and the threshold's rates where it has one."""
        with self._view() as store:
            fitted = store.threshold
            return {
                "photos": len(store),
                "columns": list(store.columns),
                "products": bool(store.sample(1).products),
                "threshold": None if fitted is None else fitted.to_json(),
            }

    def picture(self, path: str) -> bytes | None:
        """Return a small JPEG of an indexed photo, upright and with its pixels alone; None: no photo has this path.

        Raises:
            PhotoError: the file is gone, or is no photo any more.
        """
        with self._view() as store:
            known = store.connection.execute("SELECT 1 FROM photos WHERE path = ?", (path,)).fetchone()
            root = self._catalogue or Path(store.fact("root"))
        if known is None:
            return None
        small = Image.fromarray(photos.read(root / path, max_pixels=self._max_pixels, reduction=_reduction))
        small.thumbnail((PICTURE, PICTURE))
        file = BytesIO()
        small.save(file, "JPEG", quality=85)
        return file.getvalue()

    @contextmanager
    def _view(self) -> Iterator[Store]:
        """Give one view of the rows; threads take turns."""
        with self._turn, mending(self.folder):
            store = self._opened()
            store.connection.execute("BEGIN")
            try:
                store.require_origin()  # the first read is what fixes the view
                yield store
            finally:
                store.connection.execute("ROLLBACK")

    def _kept_of(self, store: Store) -> Kept:
        """Return what is kept of the rows in view."""
        version = int(store.connection.execute("PRAGMA data_version").fetchone()[0])
        if version != self._version:
            self._kept, self._version = Kept.of(store), version
        return self._kept

    def _opened(self) -> Store:
        """Open the file, again where the open one is no longer what is there."""
        now = state_of(self.folder)
        if self._store is None or now is None or now != self._state:
            store = open_to_read(self.folder, any_thread=True)
            if self._store is not None:
                self._store.close()
            self._store, self._state, self._version = store, now, None
        return self._store


def _reduction(height: int, width: int) -> int:
    """Return how many pixels of a side may become one while a JPEG is decoded."""
    return next((divisor for divisor in (8, 4, 2) if max(height, width) // divisor >= 2 * PICTURE), 1)
