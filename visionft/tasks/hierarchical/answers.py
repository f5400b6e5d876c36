"""The answer of a taxonomy: the deepest node that is sure enough, with the probabilities of all. Free of torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import names as n
from visionft.bundle.answers import Told
from visionft.bundle.prediction_rows import Unanswered
from visionft.bundle.predictions import Predictions
from visionft.bundle.schema import TensorRecord
from visionft.errors import UsageError
from visionft.tasks.hierarchical.taxonomy_tree import BETWEEN, LEAST, ROOT, Tree, deepest, tree_of
from visionft.wording.lists import count

CHOSEN = "chosen"
CHOSEN_PROBABILITY = "chosen_probability"
NODE_PROBABILITIES = "node_probabilities"
LEVEL, LEAF, LEAF_PROBABILITY = "level", "leaf", "leaf_probability"
COLUMNS = ("path", n.LABEL, LEVEL, n.PROBABILITY, LEAF, LEAF_PROBABILITY, "problem")
UNSURE = "no level is sure"


@dataclass(frozen=True, eq=False)
class NodeAnswer:
    """What the model says of one photo.

    Attributes:
        label: name of the deepest node that is sure enough; empty where none is.
        chosen: its index in the nodes; -1 where none is.
        chosen_probability: of it, calibrated, in [0, 1]; 1 where none is, as something it surely is.
        probabilities: (L,) float32 of the leaves, calibrated.
        node_probabilities: (N,) float32 of all nodes: each parent's is the sum of its children's.
        logits: (L,) float32, raw.
        embedding: (D,) float32 of Euclidean length 1.
    """

    label: str
    chosen: int
    chosen_probability: float
    probabilities: NDArray[np.float32]
    node_probabilities: NDArray[np.float32]
    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NodePrediction:
    """The answer to one photo.

    Attributes:
        path: the photo, as the caller named it.
        label: name of the deepest node that is sure enough; None where none is.
        level: how deep that is, from 1; 0 where none is.
        probability: of it, in [0, 1]; 1 where none is.
        leaf: the most probable leaf, sure or not.
        leaf_probability: of it, in [0, 1].
        probabilities: (L,) float32 of the leaves.
        node_probabilities: (N,) float32 of all nodes.
        problem: None; of what could not be read, the reason.
    """

    path: str
    label: str | None
    level: int
    probability: float
    leaf: str
    leaf_probability: float
    probabilities: NDArray[np.float32]
    node_probabilities: NDArray[np.float32]
    problem: ClassVar[None] = None

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        values = (self.path, self.label, self.level, self.probability, self.leaf, self.leaf_probability, None)
        return dict(zip(COLUMNS, values, strict=True))


class NodePredictions(Predictions):
    """The deepest node that is sure enough, or the reason why there is none, for each photo in its order."""

    columns = COLUMNS
    headings = ("photo", n.LABEL, n.PROBABILITY)

    def with_top(self, top: int) -> Predictions:
        """Return the same predictions; UsageError where a number of answers is asked for."""
        if top != 1:
            raise UsageError(f"top is {top}, and a photo has one answer, as deep as the model is sure: leave it out")
        return self

    def with_min_confidence(self, min_confidence: float) -> Predictions:
        """Return the same predictions, each the deepest node of at least this probability, above 0.5 and up to 1."""
        if not LEAST < min_confidence <= 1:
            raise UsageError(
                f"min_confidence is {min_confidence:g}: give a probability above {LEAST:g}, as two nodes side by side "
                "cannot both have it, and up to 1"
            )
        tree = tree_of(self.classes)
        return replace(self, rows=tuple(_chosen(row, tree, min_confidence) for row in self.rows))

    def best(self, row: Any) -> list[tuple[str, float]]:
        """Return the answer with its probability; none where no level is sure, or the photo was not read."""
        return [] if row.label is None else [(row.label, row.probability)]

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict a row; what could not be read has its reason under `problem`, and None elsewhere."""
        return [{name: row.to_row().get(name) for name in COLUMNS} for row in self.rows]

    def full_rows(self) -> list[dict[str, Any]]:
        """Return what the longer formats hold: the rows with the probabilities of all nodes."""
        kept = [None if isinstance(row, Unanswered) else row.node_probabilities.tolist() for row in self.rows]  # type: ignore[attr-defined]
        return [{**row, NODE_PROBABILITIES: values} for row, values in zip(self.to_rows(), kept, strict=True)]

    def schema(self) -> Any:
        """Return the columns' types in Arrow's terms."""
        import pyarrow as pa

        types = (pa.string(), pa.string(), pa.int64(), pa.float32(), pa.string(), pa.float32(), pa.string())
        fields = [pa.field(name, kind) for name, kind in zip(COLUMNS, types, strict=True)]
        schema = pa.schema([*fields, pa.field(NODE_PROBABILITIES, pa.list_(pa.float32()))])
        return schema.with_metadata({"classes": json.dumps(self.classes, ensure_ascii=False)})

    def cells(self, row: Any) -> tuple[str, ...]:
        """Return a row as a notebook shows it."""
        if isinstance(row, Unanswered):
            return row.path, "not read", row.problem
        return row.path, row.label or UNSURE, "" if row.label is None else f"{row.probability:.1%}"

    def _line(self, row: Any) -> str:
        if isinstance(row, Unanswered):
            return f"{row.path}  not read: {row.problem}"
        leaf = f"{row.leaf}  {row.leaf_probability:.1%}"
        if row.label is None:
            return f"{row.path}  {UNSURE}; at best {leaf}"
        deeper = "" if row.label == row.leaf else f"; at best {leaf}"
        return f"{row.path}  {row.label}  {row.probability:.1%}{deeper}"


class NodeAnswers:
    """Outputs of the graph, by the table below."""

    outputs = (n.LABEL, CHOSEN, CHOSEN_PROBABILITY, n.PROBABILITIES, NODE_PROBABILITIES, n.LOGITS, n.EMBEDDING)

    def tensors(self, classes: int | str, features: int) -> tuple[TensorRecord, ...]:
        """Return the table of a network with `classes` nodes, which does not tell how many are leaves."""
        return _table(classes, "L", features)

    def tensors_of(self, classes: Sequence[str], features: int) -> tuple[TensorRecord, ...]:
        """Return the table of a network with these nodes."""
        return _table(len(classes), len(tree_of(tuple(classes)).leaves), features)

    def split(self, outputs: Sequence[Any]) -> Iterator[NodeAnswer]:
        """Return one answer a photo."""
        for label, chosen, probability, probabilities, nodes, logits, embedding in zip(*outputs, strict=True):
            yield NodeAnswer(str(label), int(chosen), float(probability), probabilities, nodes, logits, embedding)

    def fits(self, answer: NodeAnswer, classes: tuple[str, ...]) -> bool:
        """Tell whether the label is that of its index, among as many nodes."""
        if len(answer.node_probabilities) != len(classes) or not ROOT <= answer.chosen < len(classes):
            return False
        return answer.label == ("" if answer.chosen == ROOT else classes[answer.chosen])

    def row(self, name: str | Path, answer: NodeAnswer) -> NodePrediction:
        """Return the row of a photo; `predictions` tells its level and names its leaf."""
        label, probability = answer.label or None, answer.chosen_probability
        return NodePrediction(
            str(name), label, 0, probability, "", 0.0, answer.probabilities, answer.node_probabilities
        )

    def predictions(self, rows: tuple[Any, ...], classes: tuple[str, ...]) -> Predictions:
        """Return rows as one table."""
        tree = tree_of(tuple(classes))
        return NodePredictions(tuple(_placed(row, tree) for row in rows), classes)

    def plain(self, answer: NodeAnswer, classes: tuple[str, ...], top: int) -> dict[str, Any]:
        """Return the deepest node that is sure enough, and the `top` most probable leaves."""
        tree = tree_of(tuple(classes))
        order = np.argsort(-answer.probabilities, kind="stable")[:top]
        return {
            n.LABEL: answer.label or None,
            CHOSEN: answer.chosen,
            LEVEL: 0 if answer.chosen == ROOT else int(tree.depths[answer.chosen]),
            n.PROBABILITY: answer.chosen_probability,
            "top": [{"label": tree.leaf_names[i], "probability": float(answer.probabilities[i])} for i in order],
        }

    def told(self, answer: NodeAnswer, classes: Sequence[str]) -> Told:
        """Return an answer as it is compared: probabilities lie on the leaves, and nodes above them have none."""
        found = np.zeros(len(classes), np.float32)
        found[tree_of(tuple(classes)).leaves] = answer.probabilities
        return Told(answer.label or UNSURE, answer.chosen_probability, answer.chosen == ROOT, found)

    def right(self, label: str, truth: str) -> bool | None:
        """Tell whether a node is the class of a photo, or lies above it; of one below it nobody knows."""
        return None if label.startswith(f"{truth}{BETWEEN}") else f"{truth}{BETWEEN}".startswith(f"{label}{BETWEEN}")

    def subject(self, classes: int) -> str:
        """Count the nodes."""
        return f"{count(classes, 'node')} of a taxonomy"


def _table(nodes: int | str, leaves: int | str, features: int) -> tuple[TensorRecord, ...]:
    keys = ("name", "direction", "dtype", "shape", "meaning")
    rows = (
        (n.IMAGE, "in", "uint8", ("N", "H", "W", 3), "RGB photos of one size, any N, H and W from 1 up."),
        (n.LABEL, "out", "string", ("N",), "Name of the deepest node that is sure enough; empty where none is."),
        (CHOSEN, "out", "int64", ("N",), "Its index into the classes; -1 where none is."),
        (CHOSEN_PROBABILITY, "out", "float32", ("N",), "Calibrated probability of it; 1 where none is."),
        (n.PROBABILITIES, "out", "float32", ("N", leaves), "Calibrated probability of every leaf."),
        (NODE_PROBABILITIES, "out", "float32", ("N", nodes), "Of every node: a parent's is its children's sum."),
        (n.LOGITS, "out", "float32", ("N", leaves), "Raw scores of the leaves before temperature and softmax."),
        (n.EMBEDDING, "out", "float32", ("N", features), "Features before the head, of Euclidean length 1."),
    )
    return tuple(TensorRecord.model_validate(dict(zip(keys, row, strict=True))) for row in rows)


def _chosen(row: Any, tree: Tree, min_confidence: float) -> Any:
    if isinstance(row, Unanswered):
        return row
    (at,) = deepest(row.node_probabilities[None], tree, min_confidence).tolist()
    if at == ROOT:
        return replace(row, label=None, level=0, probability=1.0)
    probability = min(1.0, float(row.node_probabilities[at]))
    return replace(row, label=tree.names[at], level=int(tree.depths[at]), probability=probability)


def _placed(row: Any, tree: Tree) -> Any:
    if isinstance(row, Unanswered):
        return row
    best = int(row.probabilities.argmax())
    level = 0 if row.label is None else row.label.count(BETWEEN) + 1
    return replace(row, level=level, leaf=tree.leaf_names[best], leaf_probability=float(row.probabilities[best]))


ANSWERS = NodeAnswers()
