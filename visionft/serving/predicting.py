"""Predicting files: places on disk -> photos -> answers."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visionft import photos
from visionft.bundle import Bundle, Prediction, Predictions
from visionft.errors import PhotoError
from visionft.photos import Quarantined
from visionft.serving.session import Session

CHUNK = 16
"""Photos answered together: enough to batch those of one size, few enough to hold large ones in memory."""

Photo = tuple[Path, NDArray[np.uint8] | Quarantined]
Progress = Callable[[int, int], None]
"""Called with the number of files done and of all files."""


def predict(
    bundle: Bundle | Session | str | Path,
    places: str | Path | Sequence[str | Path],
    *,
    adapter: str | None = None,
    threads: int | None = None,
    on_progress: Progress | None = None,
) -> Predictions:
    """Answer photos, folders of photos (searched through) or globs with a bundle.

    Args:
        bundle: the bundle, its folder, or a session that is open already.
        places: one or several photos, folders or globs.
        adapter: the one that answers, in a bundle with adapters.
        threads: threads of the arithmetic; all cores if None.
        on_progress: called after every chunk of photos.

    Returns:
        One prediction a readable photo, in sorted order; the other files with their reasons.

    Raises:
        BundleError: the bundle is missing, damaged or of another version.
        UsageError: the adapter is unknown, or none is named and each answer needs one.
        DataError: a place holds no photo.
    """
    session = bundle if isinstance(bundle, Session) else Session(bundle, threads)
    classes = session.bundle.chosen(adapter).classes
    paths, quarantine = photos.find([places] if isinstance(places, str | Path) else places)
    rows: list[Prediction] = []
    reading = read_ahead(paths)
    for done in range(0, len(paths), CHUNK):
        chunk = list(islice(reading, CHUNK))
        quarantine += [photo for _, photo in chunk if isinstance(photo, Quarantined)]
        rows += _answer(session, chunk, adapter)
        if on_progress is not None:
            on_progress(done + len(chunk), len(paths))
    return Predictions(tuple(rows), tuple(quarantine), classes.names)


def read_ahead(paths: Iterable[Path]) -> Iterator[Photo]:
    """Decode files in threads, in order, a few ahead of who takes them."""
    workers = min(8, os.cpu_count() or 1)
    waiting: deque[tuple[Path, Future[NDArray[np.uint8] | Quarantined]]] = deque()
    with ThreadPoolExecutor(workers, "visionft-decode") as pool:
        for path in paths:
            waiting.append((path, pool.submit(_read, path)))
            if len(waiting) > 2 * workers:
                yield _taken(waiting)
        while waiting:
            yield _taken(waiting)


def _taken(waiting: deque[tuple[Path, Future[NDArray[np.uint8] | Quarantined]]]) -> Photo:
    path, future = waiting.popleft()
    return path, future.result()


def _read(path: Path) -> NDArray[np.uint8] | Quarantined:
    try:
        return photos.read(path)
    except PhotoError as error:
        return Quarantined(photos.printable(path), error.reason)


def _answer(session: Session, chunk: Sequence[Photo], adapter: str | None) -> list[Prediction]:
    readable = [(path, photo) for path, photo in chunk if not isinstance(photo, Quarantined)]
    answers = session.answer_batch([photo for _, photo in readable], adapter)
    return [Prediction.of(photos.printable(path), answer) for (path, _), answer in zip(readable, answers, strict=True)]
