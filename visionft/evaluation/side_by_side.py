"""Several runs and bundles on the same photos, side by side, and which differences are more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.errors import DataError
from visionft.metrics import wilson
from visionft.metrics.paired import LEVEL, PairedDifference, mcnemar, paired_differences
from visionft.metrics.slices import holm
from visionft.photos import printable
from visionft.wording.lists import count

LETTERS = "ABCDEFGHIJKL"
"""Names of the subjects in tables and charts, and how many there can be."""
SHOWN = 10
"""Classes that printing shows."""


@dataclass(frozen=True, eq=False)
class Answered:
    """One run's or bundle's answers to photos.

    Attributes:
        path: the run's or bundle's folder.
        bundle: whether it is one.
        classes: its names.
        digests: (n,) SHA-256 of the photos' bytes.
        table: (n) rows with path, truth, label, probability, truth_probability and correct.
        known: (n,) whether it was trained on the photo.
    """

    path: Path
    bundle: bool
    classes: tuple[str, ...]
    digests: Sequence[str]
    table: pa.Table
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class ClassDifference:
    """One class under all subjects.

    Attributes:
        name: of the class, printable.
        support: its photos.
        recall: (k,) of each subject, in [0, 1].
        p: the least p-value of any two of them, after Holm's correction for all classes and pairs.
        pair: the two that it belongs to, as letters.
    """

    name: str
    support: int
    recall: tuple[float, ...]
    p: float
    pair: str

    @property
    def named(self) -> bool:
        """Whether two subjects differ by more than chance on it, all looks counted."""
        return self.p < LEVEL

    @property
    def spread(self) -> float:
        """The largest difference of two recalls, in [0, 1]."""
        return max(self.recall) - min(self.recall)


@dataclass(frozen=True, eq=False)
class SideBySide:
    """k subjects on the n photos that all of them were asked, none was trained on and all name alike.

    Attributes:
        subjects: folders of the runs and bundles, in the order given.
        bundles: (k,) whether each is a bundle.
        split: of the photos.
        root: the folder that their paths are relative to.
        paths: (n,) as the first subject has them.
        digests: (n,) SHA-256 of their bytes.
        truth: (n,) class names.
        label: (k, n) answers.
        probability: (k, n) of the answer, calibrated.
        truth_probability: (k, n) of the truth.
        notes: sentences to be said aloud.
    """

    subjects: tuple[Path, ...]
    bundles: tuple[bool, ...]
    split: str
    root: Path
    paths: tuple[str, ...]
    digests: tuple[str, ...]
    truth: NDArray[Any]
    label: NDArray[Any]
    probability: NDArray[np.float64]
    truth_probability: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """(k, n) whether each answer is right."""
        return np.asarray(self.label == self.truth, bool)

    @property
    def top1(self) -> tuple[float, ...]:
        """(k,) shares of right answers, in [0, 1]."""
        return tuple(float(one.mean()) for one in self.right)

    @property
    def intervals(self) -> list[tuple[float, float]]:
        """(k,) 95 % intervals of the shares of right answers, each by itself."""
        n = len(self.paths)
        return [wilson(int(one.sum()), n) or (0.0, 1.0) for one in self.right]

    @property
    def log_loss(self) -> tuple[float, ...]:
        """(k,) mean log-losses, in nats."""
        least = np.finfo(np.float32).tiny
        return tuple(float(-np.log(np.maximum(one, least)).mean()) for one in self.truth_probability)

    @property
    def balanced_accuracy(self) -> tuple[float, ...]:
        """(k,) mean recalls of the classes that have photos."""
        recalls = np.array([row.recall for row in self.classes])
        return tuple(float(value) for value in recalls.mean(axis=0))

    @cached_property
    def pairs(self) -> tuple[PairedDifference, ...]:
        """Every two subjects, compared photo by photo."""
        return tuple(paired_differences(self.right))

    @cached_property
    def classes(self) -> tuple[ClassDifference, ...]:
        """The classes that have photos, those that differ most surely first, of equals the furthest apart."""
        names = sorted(set(self.truth))
        own = [self.truth == name for name in names]
        looks = [(pair.first, pair.second) for pair in self.pairs]
        tests = [[self._test(inside, *look) for look in looks] for inside in own]
        adjusted = np.reshape(holm([p for row in tests for p in row]), (len(names), len(looks)))
        rows = [
            ClassDifference(
                printable(name),
                int(inside.sum()),
                tuple(float(one[inside].mean()) for one in self.right),
                float(p.min()),
                "".join(LETTERS[place] for place in looks[int(np.argmin(test))]),
            )
            for name, inside, test, p in zip(names, own, tests, adjusted, strict=True)
        ]
        return tuple(sorted(rows, key=lambda row: (row.p, -row.spread, row.name)))

    def _test(self, inside: NDArray[np.bool_], first: int, second: int) -> float:
        before, after = self.right[first, inside], self.right[second, inside]
        return mcnemar(int((before & ~after).sum()), int((after & ~before).sum()))

    def apart(self, first: int, second: int) -> NDArray[np.int64]:
        """Return the places of photos that the first alone answers rightly, where the second is surest first."""
        places = np.flatnonzero(self.right[first] & ~self.right[second])
        order = np.argsort(-self.probability[second, places], kind="stable")
        found: NDArray[np.int64] = places[order].astype(np.int64)
        return found

    def sentences(self) -> list[str]:
        """Say of every two subjects whether they differ by more than chance."""
        looks = f" ({len(self.pairs)} pairs, corrected together)" if len(self.pairs) > 1 else ""
        return [f"{_said(pair)}{looks}" for pair in self.pairs]

    def to_json(self) -> dict[str, Any]:
        """Return plain values: figures, pairs and classes."""
        return {
            "n": len(self.paths),
            "split": self.split,
            "subjects": [
                {
                    "letter": LETTERS[place],
                    "path": str(path),
                    "kind": "bundle" if self.bundles[place] else "run",
                    "top1": self.top1[place],
                    "interval": list(self.intervals[place]),
                    "balanced_accuracy": self.balanced_accuracy[place],
                    "log_loss": self.log_loss[place],
                }
                for place, path in enumerate(self.subjects)
            ],
            "pairs": [
                {**pair.to_json(), "first": LETTERS[pair.first], "second": LETTERS[pair.second]} for pair in self.pairs
            ],
            "classes": [{**vars(row), "recall": list(row.recall), "named": row.named} for row in self.classes],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        names = [f"{LETTERS[place]} {printable(path)}" for place, path in enumerate(self.subjects)]
        width = max(map(len, names))
        lines = [f"{count(len(self.paths), f'{printable(self.split)} photo')} that all of them were asked:"]
        lines += [f"  {'':{width}}   top-1  95 % interval    log-loss"]
        for name, top1, (low, high), loss in zip(names, self.top1, self.intervals, self.log_loss, strict=True):
            lines.append(f"  {name:{width}}  {top1:>6.1%}  {low:.1%} to {high:.1%}  {loss:>8.3f}")
        named = [row for row in self.classes if row.named]
        told = "no class differs by more than chance"
        if named:
            told = f"{count(len(named), 'class differs', 'classes differ')} by more than chance: " + ", ".join(
                f"{row.name} ({row.pair})" for row in named[:SHOWN]
            )
            told += f" and {len(named) - SHOWN:,} more" if len(named) > SHOWN else ""
        return "\n".join([*lines, *self.sentences(), told, *(f"note: {note}" for note in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Show the comparison in a notebook."""
        return f"<pre>{escape(str(self))}</pre>"


def _said(pair: PairedDifference) -> str:
    first, second = LETTERS[pair.first], LETTERS[pair.second]
    low, high = (100 * end for end in pair.interval)
    how = "more than chance" if pair.named else "may be chance"
    return (
        f"{second} against {first}: {100 * pair.change:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}; "
        f"{first} alone is right on {pair.lost:,}, {second} alone on {pair.gained:,}: {how}, p = {pair.adjusted:.2g}"
    )


def side_by_side(answered: Sequence[Answered], split: str, root: Path, notes: Sequence[str] = ()) -> SideBySide:
    """Bring answers together by the photos' digests.

    What one of them was trained on, what they label differently and what not all know the class of is left out, and
    said: a comparison is of the same photos, new to all.

    Args:
        answered: of two subjects at least.
        split: name of the photos.
        root: the folder that the paths of the first are relative to.
        notes: sentences to be said aloud.

    Raises:
        DataError: no photo is left.
    """
    places = [_first_places(one.digests) for one in answered]
    shared = [digest for digest in places[0] if all(digest in of for of in places)]
    reasons = dict(_left_out(answered, places, shared))
    kept = [digest for digest in shared if digest not in reasons]
    told = [*notes, *_told(answered, places, shared, list(reasons.values()))]
    if not kept:
        raise DataError(
            f"there is no {split} photo that all of them can be compared on ({'; '.join(told) or 'no photo'}); "
            "give photos that none was trained on with --data"
        )
    rows = [one.table.take([of[digest] for digest in kept]) for one, of in zip(answered, places, strict=True)]
    return SideBySide(
        tuple(one.path for one in answered),
        tuple(one.bundle for one in answered),
        split,
        root,
        tuple(rows[0]["path"].to_pylist()),
        tuple(kept),
        np.array(rows[0]["truth"].to_pylist(), object),
        np.array([row["label"].to_pylist() for row in rows], object),
        np.array([row["probability"].to_numpy() for row in rows], np.float64),
        np.array([row["truth_probability"].to_numpy() for row in rows], np.float64),
        tuple(told),
    )


def _first_places(digests: Sequence[str]) -> dict[str, int]:
    """Return the first place of every digest, in order: copies count once."""
    found: dict[str, int] = {}
    for place, digest in enumerate(digests):
        found.setdefault(digest, place)
    return found


TRAINED, LABELLED, UNKNOWN = "one was trained on them", "their labels differ", "not all know their class"


def _left_out(
    answered: Sequence[Answered], places: Sequence[dict[str, int]], shared: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the digests that are left out, each with why."""
    truths = [one.table["truth"].to_pylist() for one in answered]
    names = [set(one.classes) for one in answered]
    for digest in shared:
        own = [of[digest] for of in places]
        true = {truth[place] for truth, place in zip(truths, own, strict=True)}
        if any(one.known[place] for one, place in zip(answered, own, strict=True)):
            yield digest, TRAINED
        elif len(true) > 1:
            yield digest, LABELLED
        elif not all(true <= of for of in names):
            yield digest, UNKNOWN


def _told(
    answered: Sequence[Answered], places: Sequence[dict[str, int]], shared: Sequence[str], reasons: Sequence[str]
) -> list[str]:
    """Say how many photos are left out of the comparison, and why."""
    every = len(set().union(*places))
    lines = [f"{count(every - len(shared), 'photo')} left out: not all were asked"] if every > len(shared) else []
    counted = ((reasons.count(why), why) for why in (TRAINED, LABELLED, UNKNOWN))
    lines += [f"{count(number, 'photo')} left out: {why}" for number, why in counted if number]
    copies = max(len(one.digests) - len(of) for one, of in zip(answered, places, strict=True))
    return lines + ([f"{count(copies, 'copy', 'copies')} of other photos left out"] if copies else [])
