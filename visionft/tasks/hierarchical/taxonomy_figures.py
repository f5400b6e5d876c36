"""How well nodes are told: by level, by distance in the tree, and by the answers that are as deep as they are sure.

At each level the leaves are gathered under the nodes there, and the most probable of these is the answer. A photo that
is labelled above a leaf counts down to its own level.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.metrics import Metrics, evaluate_logits
from visionft.metrics.classification import reliability
from visionft.metrics.confidence_intervals import bootstrap_mean, wilson
from visionft.photos import printable
from visionft.tasks.hierarchical.sure_level import LevelPostprocess, judged
from visionft.tasks.hierarchical.taxonomy_tree import ROOT, Tree
from visionft.wording.lists import count

Interval = tuple[float, float]
SHOWN = 5
NEVER = -1e4
"""The logit of what stands at no level that is asked of: e to the power of it is 0."""


@dataclass(frozen=True)
class LevelRow:
    """How often the node of one level is right.

    Attributes:
        depth: of the level, 1 at the top.
        nodes: that there are to choose from: those of the level, and leaves that are less deep.
        n: photos whose label tells it.
        accuracy: share of them answered rightly, in [0, 1]; None where there is none.
        interval: 95 % interval of it (Wilson).
    """

    depth: int
    nodes: int
    n: int
    accuracy: float | None
    interval: Interval | None


@dataclass(frozen=True)
class SureAnswers:
    """The answers of the deepest node that is sure enough.

    Attributes:
        min_confidence: probability from which a node is.
        answered: share of all photos that have an answer, at whatever level.
        judged: answers whose label tells whether they are right.
        precision: share of these that are, in [0, 1]; None where there is none.
        interval: 95 % interval of it (Wilson).
        depth: mean level of the answers; None where there is none.
        by_depth: photos by the level of their answer, those without one first.
    """

    min_confidence: float
    answered: float
    judged: int
    precision: float | None
    interval: Interval | None
    depth: float | None
    by_depth: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class TaxonomyFigures:
    """The figures of a set of photos.

    Attributes:
        flat: figures of the label's own level, as if there were no other: `top1` and the like.
        tree: the nodes.
        levels: accuracy at each level, from the top.
        distance: mean edges of the tree between the answer at the label's level and the label; 0 where it is right.
        mistake_distance: the same of mistakes alone (arXiv 1912.09393 calls it severity); None where there is none.
        sure: what the deepest node that is sure enough is worth.
        intervals: 95 % intervals of those of `flat` and of `distance` (bootstrap over photos).
    """

    flat: Metrics
    tree: Tree
    levels: tuple[LevelRow, ...]
    distance: float
    mistake_distance: float | None
    sure: SureAnswers
    intervals: dict[str, Interval | None]

    @property
    def n(self) -> int:
        """Photos."""
        return self.flat.n

    @property
    def top1(self) -> float:
        """Share of the photos whose label's node is the most probable one of its level, in [0, 1]."""
        return self.flat.top1

    @property
    def classes(self) -> tuple[str, ...]:
        """The nodes."""
        return self.flat.classes

    @property
    def headline(self) -> str:
        """Top-1 with its interval."""
        return self.flat.headline

    def summary(self) -> dict[str, Any]:
        """Return the figures that the command line's JSON line holds."""
        return {
            **self.flat.summary(),
            "levels": [row.accuracy for row in self.levels],
            "distance": self.distance,
            "mistake_distance": self.mistake_distance,
            "sure_precision": self.sure.precision,
            "sure_answered": self.sure.answered,
            "sure_depth": self.sure.depth,
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            **self.flat.to_json(),
            "levels": [asdict(row) for row in self.levels],
            "distance": self.distance,
            "mistake_distance": self.mistake_distance,
            "sure": asdict(self.sure),
            "further": [list(row) for row in self._own_rows()],
            "intervals": {name: list(ends) if ends else None for name, ends in self.intervals.items()},
        }

    def __str__(self) -> str:
        rows = self._rows()
        wide = [max(len(row[at]) for row in rows) for at in range(2)]
        lines = [f"  {name:{wide[0]}}  {value:>{wide[1]}}  {note}".rstrip() for name, value, note in rows]
        return "\n".join([self._subject(), *lines, *(f"  {line}" for line in self._confused())])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{name}</th><td>{value}</td><td>{note}</td></tr>" for name, value, note in self._rows())
        confused = "".join(f"<p>{escape(line)}</p>" for line in self._confused())
        return f"<p>{escape(self._subject())}</p><table>{rows}</table>{confused}"

    def _confused(self) -> list[str]:
        """Name the nodes that are taken for others most often."""
        pairs = [
            f"{printable(pair.true)} as {printable(pair.answered)} ({pair.count:,})"
            for pair in self.flat.most_confused[:SHOWN]
        ]
        return [f"most confused: {', '.join(pairs)}"] if pairs else []

    def _subject(self) -> str:
        leaves = f"{count(len(self.tree.leaves), 'leaf', 'leaves')} below {count(self._inner, 'parent')}"
        return f"{count(self.n, 'photo')}, {leaves} in {count(self.tree.levels, 'level')}"

    @property
    def _inner(self) -> int:
        return len(self.tree) - len(self.tree.leaves)

    def _rows(self) -> list[tuple[str, str, str]]:
        """Return names, values and what is to be said of them."""
        loss = ("log-loss", f"{self.flat.log_loss:.4f}", f"nats; calibration error {self.flat.ece:.1%}")
        return [("top-1", f"{self.top1:.2%}", _ends(self.intervals["top1"])), *self._own_rows(), loss]

    def _own_rows(self) -> list[tuple[str, str, str]]:
        """Return those that classes side by side do not have."""
        wrong = "" if self.mistake_distance is None else f"; {self.mistake_distance:.2f} of a mistake"
        return [
            *(
                (f"level {row.depth}, {count(row.nodes, 'node')}", _percent(row.accuracy), _told(row, self.n))
                for row in self.levels
            ),
            ("distance in the tree", f"{self.distance:.3f}", f"edges, {_numbers(self.intervals['distance'])}{wrong}"),
            (f"sure from {self.sure.min_confidence:g}", _percent(self.sure.precision), _of_sure(self.sure)),
        ]


def taxonomy_figures(
    logits: NDArray[np.float32], labels: NDArray[np.integer], answering: LevelPostprocess, *, seed: int = 0
) -> TaxonomyFigures:
    """Return all figures of a set of photos.

    Args:
        logits: (n, L) raw scores of the leaves, n at least 1.
        labels: (n,) nodes.
        answering: the rule from logits to answers.
        seed: of the bootstrap; equal seeds give equal intervals.

    Raises:
        ValueError: there is no photo, or a logit is not finite.
    """
    if not len(labels) or not np.isfinite(logits).all():
        raise ValueError("there is no photo to evaluate, or some logits are not finite; the model has diverged")
    tree, probabilities = answering.tree, answering.probabilities(logits)
    nodes = answering.nodes(probabilities)
    at_label = at_label_level(tree, nodes, labels)
    flat = evaluate_logits(at_label, labels, tree.names, seed=seed)
    flat = replace(flat, temperature=answering.temperature, uncalibrated=_uncalibrated(answering, logits, labels, seed))
    apart = tree.distance(at_label.argmax(axis=1), labels)
    wrong = apart[apart > 0]
    return TaxonomyFigures(
        flat,
        tree,
        tuple(_level(tree, nodes, labels, depth) for depth in range(1, tree.levels + 1)),
        float(apart.mean()),
        float(wrong.mean()) if len(wrong) else None,
        _sure(answering, nodes, labels),
        {**flat.intervals, "distance": bootstrap_mean(apart.astype(np.float64), seed=seed)},
    )


def at_label_level(tree: Tree, nodes: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return (n, N) logarithms of the nodes' probabilities (n, N) where they are of the label's level, else `NEVER`."""
    found = np.full(nodes.shape, NEVER)
    cuts = tree.cut_of(labels)
    for depth in np.unique(cuts):
        cut, own = np.unique(tree.cut(int(depth))), np.flatnonzero(cuts == depth)
        found[np.ix_(own, cut)] = np.log(np.maximum(nodes[np.ix_(own, cut)].astype(np.float64), np.finfo(float).tiny))
    return found


def _uncalibrated(
    answering: LevelPostprocess, logits: NDArray[np.float32], labels: NDArray[np.integer], seed: int
) -> Any:
    if answering.temperature == 1:
        return None
    plain = LevelPostprocess.by(answering.tree, 1.0, answering.min_confidence)
    nodes = plain.nodes(plain.probabilities(logits))
    return reliability(at_label_level(answering.tree, nodes, labels), labels, seed=seed)


def best_of(tree: Tree, nodes: NDArray[np.floating], depth: int) -> NDArray[np.int64]:
    """Return (n,) the most probable node of a level, by those of all nodes (n, N)."""
    cut = np.unique(tree.cut(depth))
    found: NDArray[np.int64] = cut[nodes[:, cut].argmax(axis=1)]
    return found


def _level(tree: Tree, nodes: NDArray[np.floating], labels: NDArray[np.integer], depth: int) -> LevelRow:
    known = tree.cut_of(labels) >= depth
    cut = np.unique(tree.cut(depth))
    line = tree.ancestors[labels[known], :depth].max(axis=1)
    right = best_of(tree, nodes[known], depth) == line
    n, hits = len(right), int(right.sum())
    return LevelRow(depth, len(cut), n, hits / n if n else None, wilson(hits, n))


def _sure(answering: LevelPostprocess, nodes: NDArray[np.floating], labels: NDArray[np.integer]) -> SureAnswers:
    tree, chosen = answering.tree, answering.chosen(nodes)
    can, right = judged(tree, chosen, labels)
    depth = np.where(chosen == ROOT, 0, tree.depths[chosen])
    n, hits, answered = int(can.sum()), int((can & right).sum()), chosen != ROOT
    return SureAnswers(
        answering.sure,
        float(answered.mean()),
        n,
        hits / n if n else None,
        wilson(hits, n),
        float(depth[answered].mean()) if answered.any() else None,
        tuple(int(number) for number in np.bincount(depth, minlength=tree.levels + 1)),
    )


def _told(row: LevelRow, photos: int) -> str:
    if row.n == photos:
        return _ends(row.interval)
    short = f"{count(row.n, 'photo')} {'is' if row.n == 1 else 'are'} labelled so deep"
    return f"{_ends(row.interval)}; {short}" if row.n else short


def _of_sure(sure: SureAnswers) -> str:
    if sure.depth is None:
        return "no photo has a node that is sure enough"
    ends = f"right, {_ends(sure.interval)}; " if sure.interval else ""
    return f"{ends}{sure.answered:.1%} of the photos answered, {sure.depth:.2f} levels deep on average"


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.2%}"


def _ends(interval: Interval | None) -> str:
    return f"95 % interval {interval[0]:.1%} to {interval[1]:.1%}" if interval else ""


def _numbers(interval: Interval | None) -> str:
    return f"95 % interval {interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
