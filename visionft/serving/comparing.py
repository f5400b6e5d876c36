"""Answering the same photos with two bundles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visionft import photos
from visionft.bundle import Answer, Bundle
from visionft.classes import Classes, normalise
from visionft.photos import Quarantined
from visionft.serving.changes import Compared, Side
from visionft.serving.comparison import Comparison
from visionft.serving.predicting import CHUNK, Photo, Progress, read_ahead
from visionft.serving.session import Session

SPLITS = frozenset({"train", "val", "valid", "validation", "test"})
"""Folders above the class folders, as `visionft fit` takes them."""


def compare(
    before: Bundle | Session | str | Path,
    after: Bundle | Session | str | Path,
    place: str | Path,
    *,
    adapter: str | None = None,
    threads: int | None = None,
    on_progress: Progress | None = None,
) -> Comparison:
    """Answer photos with two bundles; each photo is decoded once.

    A photo's truth is read from the folders between `place` and it: the longest path that is a class of either bundle,
    below a folder called train, val, valid, validation or test if there is one.

    Args:
        before: the bundle that is served, its folder, or a session that is open already.
        after: the one that would take its place.
        place: a folder of class folders or of photos (searched through), a photo or a glob.
        adapter: the one that answers in each of the two that has adapters.
        threads: threads of the arithmetic; all cores if None.
        on_progress: called after every chunk of photos.

    Raises:
        BundleError: a bundle is missing, damaged or of another version.
        DataError: there is no photo.
        UsageError: a bundle has no such adapter, answers through adapters and none is named, or neither has any.
    """
    both = [bundle if isinstance(bundle, Session) else Session(bundle, threads) for bundle in (before, after)]
    through = any(session.bundle.adapters for session in both)
    asked = [(session, adapter if session.bundle.adapters or not through else None) for session in both]
    old, new = (session.bundle.chosen(name).classes for session, name in asked)
    paths, quarantine = photos.find([place])
    moved, truth = _moved(old, new), _truth(Path(place), old, new)
    rows: list[Compared] = []
    reading = read_ahead(paths)
    for done in range(0, len(paths), CHUNK):
        chunk = list(islice(reading, CHUNK))
        quarantine += [photo for _, photo in chunk if isinstance(photo, Quarantined)]
        rows += (_compared(path, truth(path), pair, moved) for path, pair in _answers(asked, chunk))
        if on_progress is not None:
            on_progress(done + len(chunk), len(paths))
    gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    first, second = (session.bundle.path for session in both)
    return Comparison(first, second, tuple(rows), tuple(quarantine), tuple(gone), tuple(come))


def _answers(
    asked: Sequence[tuple[Session, str | None]], chunk: Sequence[Photo]
) -> Iterator[tuple[Path, tuple[Answer, ...]]]:
    readable = [(path, photo) for path, photo in chunk if not isinstance(photo, Quarantined)]
    answers = [session.answer_batch([photo for _, photo in readable], adapter) for session, adapter in asked]
    yield from zip((path for path, _ in readable), zip(*answers, strict=True), strict=True)


Move = Callable[[NDArray[np.float32], NDArray[np.float32]], float]


def _compared(path: Path, truth: str | None, pair: tuple[Answer, ...], moved: Move) -> Compared:
    before, after = (Side(answer.label, answer.probability, answer.unknown) for answer in pair)
    move = moved(pair[0].probabilities, pair[1].probabilities)
    return Compared(photos.printable(path), truth, before, after, move)


def _moved(old: Classes, new: Classes) -> Move:
    """Return the total variation distance between probabilities over two sets of classes."""
    union = Classes.of([*old, *new])
    places = [np.array([union.index(name) for name in classes]) for classes in (old, new)]

    def move(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
        difference = np.zeros(len(union))
        difference[places[0]] += before
        difference[places[1]] -= after
        return float(min(1.0, np.abs(difference).sum() / 2))

    return move


def _truth(root: Path, *known: Classes) -> Callable[[Path], str | None]:
    """Return what reads a photo's class from its folders."""

    def truth(path: Path) -> str | None:
        if not path.is_relative_to(root):  # a glob: where its classes would begin is not known
            return None
        folders = [normalise(part) for part in path.relative_to(root).parts[:-1]]
        starts = [folders, folders[1:]] if folders and folders[0].lower() in SPLITS else [folders]
        names = ("/".join(start[:depth]) for start in starts for depth in range(len(start), 0, -1))
        return next((name for name in names if any(name in classes for classes in known)), None)

    return truth
