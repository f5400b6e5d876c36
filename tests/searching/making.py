"""A catalogue of plain colours, and a model whose embedding is the colour: every answer can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.searching.make_index import make_index
from visionft.searching.origin import Embedder, Origin
from visionft.searching.search_results import Indexed
from visionft.searching.store import Store
from visionft.searching.threshold import Chunk
from visionft.searching.update import Listed

ORIGIN = Origin("bundle", "/models/colours", "a" * 64, None, "colours", 3)


class Colours:
    """Embeds a photo as its mean colour, and counts the photos that it was asked for."""

    def __init__(self, stop_after: int | None = None, origin: Origin = ORIGIN) -> None:
        self.asked, self.stop_after, self.origin = 0, stop_after, origin

    def embed(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        self.asked += len(inputs)
        if self.stop_after is not None and self.asked > self.stop_after:
            raise KeyboardInterrupt
        return list(inputs)

    @property
    def embedder(self) -> Embedder:
        return Embedder(self.origin, lambda photo: photo.mean(axis=(0, 1)).astype(np.float32), self.embed)


def photo(path: Path, colour: Sequence[int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), tuple(colour)).save(path)
    return path


def catalogue(root: Path, classes: int = 4, each: int = 5) -> Path:
    """Write photos of classes that lie far apart, those of a class near each other: c0/0.png, ..."""
    for c in range(classes):
        angle = 0.1 + 1.3 * c / max(1, classes - 1)
        for number in range(each):
            turned = angle + 0.01 * number
            photo(root / f"c{c}" / f"{number}.png", (round(250 * np.cos(turned)), round(250 * np.sin(turned)), 3 * c))
    return root


def listed(root: Path, columns: Mapping[str, Mapping[str, Any]] | None = None, labelled: bool = True) -> Listed:
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*"))

    def rows() -> Iterator[tuple[str, str | None, str | None, str | None]]:
        for name in names:
            yield name, name.split("/")[0] if labelled else None, None, None

    readers = {name: (lambda values=values: values) for name, values in (columns or {}).items()}
    return Listed(root, len(names), rows, readers, 1_000_000)


def silent(_: str) -> AbstractContextManager[Callable[[int, int], None]]:
    return nullcontext(lambda *_: None)


def indexed(folder: Path, photos: Listed, model: Colours | None = None) -> Indexed:
    return make_index(folder, photos, (model or Colours()).embedder, silent)


def contents_of(store: Store) -> list[tuple[Any, ...]]:
    """Return what an index says of each photo, ids apart."""
    return store.connection.execute(
        "SELECT path, photo_sha256, label, vector FROM photos JOIN vectors ON id = photo_number ORDER BY path"
    ).fetchall()


def chunk(vectors: Any, products: Sequence[str | None], digests: Sequence[bytes] | None = None) -> Chunk:
    rows = np.asarray(vectors, np.float32)
    return Chunk(
        np.arange(1, len(rows) + 1), rows, list(products), list(digests or map(str.encode, map(str, range(len(rows)))))
    )
