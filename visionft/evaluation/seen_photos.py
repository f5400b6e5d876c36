"""Which of the measured photos a run knows already: their digests stand in the splits.csv of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.data import Column
from visionft.runs import Run
from visionft.runs.learning import Measures
from visionft.runs.lineage import lineage

TRAIN, VALIDATION = 1, 2


@dataclass(frozen=True, eq=False)
class Seen:
    """How many of the measured photos a run knows, and the figures on the others.

    Attributes:
        n: photos measured.
        train: photos that the run, or one that it goes back to, was trained on.
        validation: others of them that it chose its epoch and its temperature by.
        new: figures on the rest; None where there is nothing to set apart, or nothing left.
    """

    n: int
    train: int
    validation: int
    new: Measures | None = None

    @classmethod
    def of(cls, known: NDArray[np.int8], new: Measures | None) -> Seen:
        """Count photos (n,) as of `known_photos`; `new` are the figures on those at 0."""
        return cls(len(known), int((known == TRAIN).sum()), int((known == VALIDATION).sum()), new)

    @property
    def known(self) -> int:
        """Photos that flatter the figures."""
        return self.train + self.validation

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `new` has the figures and intervals on photos that the run does not know."""
        new = None
        if self.new is not None:
            ends = {name: list(pair) if pair else None for name, pair in self.new.intervals.items()}
            new = {**self.new.summary(), "intervals": ends}
        return {"train": self.train, "validation": self.validation, "new": new}

    def __str__(self) -> str:
        if not self.known:
            return "the run was trained on none of them"
        told = f"{self.train:,} of the {self.n:,} photos are among those that the run was trained on"
        told += f", {self.validation:,} among those that it was chosen by" if self.validation else ""
        if self.new is None:
            return f"{told}, and no other is left: these figures say nothing about new photos"
        return f"{told}: without them {self.new.headline} on {self.new.n:,} photos"


def known_photos(run: Run, digests: Column) -> NDArray[np.int8]:
    """Tell of each photo (n,), by its digest, whether the run was trained on it (1), chosen by it (2), or neither (0).

    Photos of the runs that it goes back to, as far as these are there, count as its own, and those that a class was
    added from as trained on.
    """
    found = np.zeros(len(digests), np.int8)
    runs = [run, *(Run(path) for path in lineage(run)[0][1:])]
    sides = [one.manifest().table for one in runs]
    for code, split in ((VALIDATION, "validation"), (TRAIN, "train")):  # of a photo on both sides the worse one counts
        for table in sides if split == "train" else sides[:1]:
            known = table["digest"].filter(pc.equal(table["split"], split))
            found[_is_in(digests, known)] = code
    added = [digest for one in runs for row in one.added_classes for digest in row.get("digests", ())]
    found[_is_in(digests, pa.chunked_array([added], pa.string()))] = TRAIN
    return found


def _is_in(digests: Column, known: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.is_in(digests.values, value_set=known).to_numpy(zero_copy_only=False), bool)
