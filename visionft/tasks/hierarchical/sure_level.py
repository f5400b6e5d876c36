"""The deepest node that is sure enough: the rule, and the confidence at which its answers are right as often as asked.

The confidence is chosen on validation by the lower bound of Clopper and Pearson (Biometrika 26, 1934). Confidences
are tried from the highest down, until the first one that cannot be relied on: in an order that is fixed beforehand,
each may be tried at the whole risk (fixed sequence testing, as in Learn then Test, arXiv 2110.01052).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from visionft.metrics import KnownScale, Postprocess, Temperature
from visionft.runs import layout
from visionft.runs.atomic_write import write_json
from visionft.runs.run_files import read_record
from visionft.tasks.hierarchical.taxonomy_tree import LEAST, ROOT, Tree, deepest

PRECISION = 0.99
"""Share of the answers that shall be right, at whatever level they are."""
RISK = 0.05
"""Chance that fewer are right by no more than the luck of the validation photos."""
FEWEST = math.ceil(math.log(RISK) / math.log(PRECISION))
"""Answers, all of them right, below which nothing can be relied on: 299."""
TRIED = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
"""Confidences that are tried."""


@dataclass(frozen=True, eq=False)
class LevelPostprocess(Postprocess):
    """How the logits of leaves become answers in a tree.

    Attributes:
        tree: the nodes; the answer is the deepest one whose probability is at least `sure`.
    """

    tree: Tree = field(default_factory=lambda: Tree(()))

    @classmethod
    def by(cls, tree: Tree, temperature: float, min_confidence: float | None) -> LevelPostprocess:
        """Return the rule of a tree, with a confidence in (0.5, 1]."""
        return cls(temperature, KnownScale.plain(), None, tree, min_confidence=min_confidence)

    @property
    def sure(self) -> float:
        """The confidence; of a model that nothing was fitted for, `PRECISION`."""
        return PRECISION if self.min_confidence is None else self.min_confidence

    def nodes(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities (n, N) of all nodes of those of the leaves (n, L): sums of what lies below them."""
        found: NDArray[np.float32] = probabilities @ self.tree.above
        return found

    def chosen(self, nodes: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return (n,) the deepest node that is sure enough, by the nodes' probabilities (n, N); `ROOT` where none is.

        Two could be equally deep by rounding alone: then it is the first.
        """
        return deepest(nodes, self.tree, self.sure)


def judged(
    tree: Tree, chosen: NDArray[np.integer], truth: NDArray[np.integer]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell (n,) which answers can be judged, and which of all are right: the truth is the chosen node, or lies below.

    No answer is none to judge, nor is one below the truth: of a photo labelled `Fruit/Apple` nobody knows whether it
    is a Granny Smith.
    """
    below = tree.holds(truth, np.where(chosen == ROOT, truth, chosen)) & (chosen != truth)
    return (chosen != ROOT) & ~below, tree.holds(chosen, truth)


def lower_bound(hits: int, n: int, risk: float) -> float:
    """Return the share that a share of hits among n is at least, but for a chance of `risk`, in [0, 1]; 0 of none."""
    return 0.0 if hits == 0 else float(beta.ppf(risk, hits, n - hits + 1))


@dataclass(frozen=True)
class SureLevel:
    """What was fitted to validation photos.

    Attributes:
        temperature: what logits are divided by.
        min_confidence: of an answer.
        wanted: share of answers that shall be right.
        precision: share of them that were, on validation; None without an answer that can be judged.
        bound: what the share is at least with 95 % certainty, of this confidence by itself.
        judged: answers that could be judged.
        photos: validation photos.
    """

    temperature: float
    min_confidence: float
    wanted: float
    precision: float | None
    bound: float
    judged: int
    photos: int

    @property
    def assured(self) -> bool:
        """Whether the bound reaches what is wanted."""
        return self.bound >= self.wanted

    @classmethod
    def plain(cls) -> SureLevel:
        """Return that of a model that nothing was fitted for."""
        return cls(1.0, PRECISION, PRECISION, None, 0.0, 0, 0)

    @classmethod
    def fit(
        cls, tree: Tree, logits: NDArray[np.float32], labels: NDArray[np.integer], temperature: Temperature
    ) -> SureLevel:
        """Choose the least confidence whose answers are sure to be right as often as wanted; see `PRECISION`.

        Where the photos are too few to be sure of any, calibrated probabilities are taken at their word: it is what is
        wanted itself, or the least one above it that was right so often.

        Args:
            tree: the nodes.
            logits: (n, L) raw.
            labels: (n,) nodes.
            temperature: what was fitted to the same photos.
        """
        rule = LevelPostprocess.by(tree, temperature.temperature, PRECISION)
        nodes = rule.nodes(rule.probabilities(logits))
        tried = [cls._at(tree, nodes, labels, temperature, confidence) for confidence in TRIED]
        enough = [one for one in reversed(tried) if one.judged >= FEWEST]
        if relied := list(takewhile(lambda one: one.assured, enough)):
            return relied[-1]
        trusted = [one for one in tried if one.min_confidence >= PRECISION]
        held = (one for one in trusted if one.precision is None or one.precision >= PRECISION)
        return next(held, trusted[-1])

    @classmethod
    def _at(
        cls,
        tree: Tree,
        nodes: NDArray[np.floating],
        labels: NDArray[np.integer],
        temperature: Temperature,
        confidence: float,
    ) -> SureLevel:
        can, right = judged(tree, deepest(nodes, tree, confidence), labels)
        n, hits = int(can.sum()), int((can & right).sum())
        bound = lower_bound(hits, n, RISK)
        return cls(temperature.temperature, confidence, PRECISION, hits / n if n else None, bound, n, len(labels))

    @classmethod
    def read(cls, folder: Path) -> SureLevel:
        """Read what `write` wrote; RunError where the file is missing or damaged."""

        def build(record: Mapping[str, Any]) -> SureLevel:
            found = cls(**{name: record[name] for name in cls.__dataclass_fields__})
            if not (0 < found.temperature < math.inf and LEAST < found.min_confidence <= 1):
                raise ValueError("its temperature or its confidence is none")
            return found

        return read_record(folder / layout.CALIBRATION, build)

    def write(self, folder: Path) -> None:
        """Write calibration.json."""
        write_json(folder / layout.CALIBRATION, asdict(self))

    def sentence(self) -> str:
        """Say from which probability on a level is answered, and what that was worth on validation."""
        start = f"a level is answered from a probability of {self.min_confidence:g} up"
        if self.precision is None:
            return f"{start}: no validation photo could be judged"
        told = f"{start}: {self.precision:.1%} of {self.judged:,} answers on validation were right"
        if self.assured:
            return f"{told}, and at least {self.wanted:.0%} are, with {1 - RISK:.0%} certainty"
        return (
            f"{told}; that {self.wanted:.0%} are cannot be assured by so few photos, or so many errors, so that "
            "probabilities are taken at their word"
        )


@dataclass(frozen=True)
class FittedLevel:
    """What was fitted, with the tree that it is for."""

    level: SureLevel
    tree: Tree

    def write(self, folder: Path) -> None:
        """Write calibration.json."""
        self.level.write(folder)

    def answering(self, accepted: float | None = None) -> LevelPostprocess:  # noqa: ARG002  # nothing is unknown
        """Return the rule from logits to answers."""
        return LevelPostprocess.by(self.tree, self.level.temperature, self.level.min_confidence)
