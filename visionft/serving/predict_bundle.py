"""Predicting: whatever stands for photos -> an answer or a reason for each, in its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from visionft import photos
from visionft.bundle import Answer, Bundle, Predictions
from visionft.photos import Asked, Item
from visionft.serving.answerer import Answerer
from visionft.serving.engine import Engine
from visionft.serving.session import Session
from visionft.serving.streaming import Progress


def predict(
    bundle: Bundle | Session | str | Path,
    asked: Asked | Iterable[Asked],
    *,
    adapter: str | None = None,
    threads: int | None = None,
    on_progress: Progress | None = None,
) -> Predictions:
    """Answer photos, folders of photos (searched through), globs, and photos held in memory with a bundle.

    Args:
        bundle: the bundle, its folder, or a session that is open already.
        asked: one or several, mixed as they come: see `visionft.photos.Asked`. A generator is taken a few at a time.
        adapter: the one that answers, in a bundle with adapters.
        threads: threads of the arithmetic; all cores if None.
        on_progress: called as photos are answered, with their number and that of all, as far as it is known.

    Returns:
        A row for each photo in the order of asking; what could not be read is a row with the reason.

    Raises:
        BundleError: the bundle is missing, damaged or of another version.
        UsageError: the adapter is unknown, or none is named and each answer needs one.
        DataError: one place alone is given, and holds no photo.
    """
    if not isinstance(bundle, Bundle | Session):
        bundle = Bundle.open(bundle)
    opened = bundle.bundle if isinstance(bundle, Session) else bundle
    opened.chosen(adapter)  # refuses an adapter before any work
    items, total = listed(asked)  # before the model is opened: a mistyped place is answered at once
    return answerer_of(bundle, adapter, threads).predictions(items, on_progress, total)


def answerer_of(bundle: Bundle | Session, adapter: str | None, threads: int | None = None) -> Answerer:
    """Open the model of a bundle, with the names and the table of its answers.

    Raises:
        BundleError: the model cannot be opened.
        UsageError: the adapter is unknown, or none is named and each answer needs one.
    """
    opened = bundle.bundle if isinstance(bundle, Session) else bundle
    names, engine = opened.chosen(adapter).classes.names, engine_of(bundle, threads)
    return Answerer(engine.pixels, answering(engine, adapter), opened.answers, names)


def engine_of(bundle: Bundle | Session | str | Path, threads: int | None) -> Engine:
    """Open a bundle in two halves; that of an open session is opened once."""
    if isinstance(bundle, Session):
        return bundle.engine
    return Engine(bundle if isinstance(bundle, Bundle) else Bundle.open(bundle), threads=threads)


def answering(engine: Engine, adapter: str | None) -> Callable[[Sequence[Any]], list[Answer]]:
    """Return what answers a batch as each of its photos would be answered alone."""
    together = partial(engine.answer, adapter=adapter)
    if not engine.mixes:
        return together
    return lambda pixels: [answer for one in pixels for answer in together([one])]


def listed(asked: Any) -> tuple[Iterable[Item], int | None]:
    """Return what is asked about, and how many photos it is; None where that is seen only as they are taken.

    Raises:
        DataError: it is one place, which holds no photo.
    """
    several = [asked] if photos.is_one(asked) else asked
    if photos.is_one(asked) and isinstance(asked, str | os.PathLike):
        photos.require_photos(asked)
    if isinstance(several, list | tuple) and all(isinstance(one, str | os.PathLike) for one in several):
        found = list(photos.items(several))  # names alone: no file is opened yet
        return found, len(found)
    return photos.items(several), None
