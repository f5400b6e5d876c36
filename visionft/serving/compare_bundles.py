"""Postprocess the same photos with two bundles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft import photos
from visionft.bundle import Answer, Bundle
from visionft.bundle.answers import Answers, Comparable, Told
from visionft.classes import Classes, normalise
from visionft.photos import Quarantined
from visionft.serving.bundle_comparison import Comparison
from visionft.serving.engine import Engine
from visionft.serving.predict_bundle import answering, engine_of
from visionft.serving.prediction_changes import Compared, Side
from visionft.serving.session import Session
from visionft.serving.streaming import Progress, answered
from visionft.tasks.registry import require

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
        on_progress: called as photos are answered, with their number and that of all.

    Raises:
        BundleError: a bundle is missing, damaged or of another version.
        DataError: there is no photo.
        UsageError: a bundle has no such adapter, answers through adapters and none is named, or neither has any.
    """
    both = [engine_of(bundle, threads) for bundle in (before, after)]
    for engine in both:
        require(engine.bundle.record.task, "compare", f"compare with the bundle {engine.bundle.path}", "use evaluate")
    through = any(engine.bundle.adapters for engine in both)
    asked = [(engine, adapter if engine.bundle.adapters or not through else None) for engine in both]
    old, new = (engine.bundle.chosen(name).classes for engine, name in asked)
    paths, passed = photos.find([place])
    moved, truth = _moved(old, new), _truth(Path(place), old, new)
    tellers = [_Teller(engine.bundle.answers, classes) for (engine, _), classes in zip(asked, (old, new), strict=True)]
    found: dict[int, Compared | Quarantined] = {}
    for outcome in answered(map(photos.of_file, paths), _prepare(asked), _answer(asked)):
        if outcome.answer is None:
            found[outcome.place] = Quarantined(outcome.name, outcome.problem or "")
        else:
            found[outcome.place] = _compared(outcome.name, truth(paths[outcome.place]), outcome.answer, tellers, moved)
        if on_progress is not None:
            on_progress(len(found), len(paths))
    in_order = [found[at] for at in range(len(found))]
    rows = tuple(row for row in in_order if isinstance(row, Compared))
    unread = tuple(row for row in in_order if isinstance(row, Quarantined))
    gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    first, second = (engine.bundle.path for engine in both)
    return Comparison(first, second, rows, (*passed, *unread), tuple(gone), tuple(come))


Sides = Sequence[tuple[Engine, str | None]]
Pair = tuple[Answer, ...]


def _prepare(asked: Sides) -> Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]:
    return lambda image: [engine.pixels(image) for engine, _ in asked]


def _answer(asked: Sides) -> Callable[[Sequence[list[NDArray[np.float32]]]], list[Pair]]:
    sides = [answering(engine, adapter) for engine, adapter in asked]

    def answer(photos: Sequence[list[NDArray[np.float32]]]) -> list[Pair]:
        return list(zip(*(side(own) for side, own in zip(sides, zip(*photos, strict=True), strict=True)), strict=True))

    return answer


Move = Callable[[NDArray[np.float32], NDArray[np.float32]], float]


@dataclass(frozen=True)
class _Teller:
    """What tells the answers of one bundle, and whether they are right."""

    answers: Answers
    classes: Classes

    def told(self, answer: Any) -> Told:
        if isinstance(self.answers, Comparable):
            return self.answers.told(answer, self.classes)
        return Told(answer.label, answer.probability, answer.unknown, answer.probabilities)

    def judges(self, told: Told, truth: str | None) -> bool:
        """Tell whether a photo's class tells if an answer is right."""
        if truth is None or not isinstance(self.answers, Comparable):
            return True
        return self.answers.right(told.label, truth) is not None

    def side(self, told: Told, truth: str | None) -> Side:
        right = None
        if truth is not None and isinstance(self.answers, Comparable):
            right = self.answers.right(told.label, truth)
        return Side(told.label, told.probability, told.unknown, right)


def _compared(name: str, truth: str | None, pair: Pair, tellers: Sequence[_Teller], moved: Move) -> Compared:
    told = [teller.told(answer) for teller, answer in zip(tellers, pair, strict=True)]
    before, after = (teller.side(one, truth) for teller, one in zip(tellers, told, strict=True))
    judged = all(teller.judges(one, truth) for teller, one in zip(tellers, told, strict=True))
    return Compared(name, truth, before, after, moved(told[0].probabilities, told[1].probabilities), judged)


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
