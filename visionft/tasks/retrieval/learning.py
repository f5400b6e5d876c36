"""Learning an embedding: a projection solved by linear discriminant analysis, metric losses, recall@k and mAP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.backbones import LinearHead
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.data import Manifest
from visionft.errors import UsageError
from visionft.finishing.verdict import kept_weights
from visionft.metrics import Postprocess, unit
from visionft.runs.criterion import Criterion, Photos, Solution
from visionft.runs.history import Epoch
from visionft.runs.learning import Final, Outputs, PlainLearning
from visionft.settings import FitSettings
from visionft.settings.own_names import is_own
from visionft.tasks.retrieval import linear_discriminant
from visionft.tasks.retrieval.answers import EmbeddingAnswer
from visionft.tasks.retrieval.leave_one_out import leave_one_out, nearest_photos
from visionft.tasks.retrieval.metric_loss import MetricLoss
from visionft.tasks.retrieval.recall_figures import RecallFigures, recall_figures
from visionft.tasks.retrieval.spec import SPEC

SIZE = 256
"""Numbers of an embedding, where nothing else is asked for."""
SHOWN = 5
"""Nearest photos of each photo in the table of answers."""
SMALL_GAP = 0.05  # of recall@1, which nobody need worry about
WIDE_GAP = 0.2


class EmbeddingLearning(PlainLearning):
    """An embedding in which photos of one product lie near one another."""

    def outputs(self, classes: Classes, settings: FitSettings) -> Callable[[int], int]:  # noqa: ARG002
        """Return what makes P of the features: what is asked for, else 256 or all of them."""
        return partial(_size, settings.embedding.size)

    def criterion(self, settings: FitSettings, manifest: Manifest | None) -> Criterion:
        """Return the loss that is asked for, with a place for each product of the training photos."""
        if manifest is None:
            raise UsageError(f"the task {SPEC.name} is trained by its photos' products: use visionft.fit")
        counts = manifest.counts()["train"]
        kind: Any = None if is_own(settings.loss) else settings.loss or SPEC.losses[0]
        return MetricLoss(
            kind, int(settings.embedding.size), [counts.get(name, 0) for name in manifest.classes], settings.seed
        )

    def solve(
        self,
        head: LinearHead,
        settings: FitSettings,  # noqa: ARG002
        train: Photos,
        validation: Photos,
        new: Sequence[int] | None,  # noqa: ARG002
    ) -> Solution:
        """Solve the whole projection, whatever there was before: all products share it."""
        found = linear_discriminant.solve(
            train.features, train.labels, validation.features, validation.labels, head.out_features
        )
        kept = "principal components" if np.isinf(found.shrinkage) else f"shrinkage {found.shrinkage:g}"
        how = f"{kept} of {len(linear_discriminant.SHRINKAGES)} tried"
        centres = _centres(unit(train.features @ found.weight.T + found.bias), train.labels)
        return Solution("solved projection", found.weight, found.bias, how, centres)

    def sample(self, labels: NDArray[Any], photos: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Draw of (n,) labels whole products, until they have so many photos: a photo needs others of its product."""
        names, product, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        order = np.random.default_rng(seed).permutation(len(names))
        chosen = order[: max(2, int(np.searchsorted(np.cumsum(sizes[order]), photos) + 1))]
        drawn = np.flatnonzero(np.isin(product, chosen))
        return drawn, np.ones(len(drawn), np.bool_)

    def final(
        self,
        validation: Outputs,
        train: Outputs,
        sampled: NDArray[np.bool_],  # noqa: ARG002
        classes: Classes,
        settings: FitSettings,  # noqa: ARG002
    ) -> Final:
        """Return the figures; there is nothing to calibrate. `sampled` (m,) is of the training photos."""
        rule = Postprocess.plain()
        val, seen = (self.measure(part.logits, part.labels, classes, rule) for part in (validation, train))
        return Final(val, seen)

    def brief(self, train: RecallFigures) -> dict[str, Any]:
        """Return all figures without their intervals."""
        return train.summary()

    def verdict(
        self,
        final: Final,
        settings: FitSettings,  # noqa: ARG002
        history: Sequence[Epoch],
        kept: Epoch | None,
    ) -> str:
        """Judge recall@1 on validation against that among training photos."""
        train, val = final.train, final.val
        told = (
            f"recall@1 is {_share(train.recall1)} among {train.n:,} training photos and {_share(val.recall1)} on "
            f"validation{_gap(train.recall1, val.recall1)}"
        )
        return told + kept_weights(history, kept, "the solved projection", "the best recall@1")

    def fitted(self, final: Final) -> list[str]:  # noqa: ARG002
        """Return nothing: nothing is fitted to validation beside the projection."""
        return []

    def calibration(self, folder: Path, val: Mapping[str, Any], classes: Classes) -> None:  # noqa: ARG002
        """Return nothing: there are no probabilities."""
        return

    def shipped(self, record: BundleRecord) -> Postprocess:  # noqa: ARG002
        """Return the rule that leaves answers as they are."""
        return Postprocess.plain()

    def measure(
        self,
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,  # noqa: ARG002
        answering: Postprocess,  # noqa: ARG002
    ) -> RecallFigures:
        """Return the figures of photos that ask one another, from outputs (n, P)."""
        return recall_figures(unit(logits), labels)

    def scores(self, logits: NDArray[np.float32], answering: Postprocess) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the embeddings (n, P) of outputs (n, P)."""
        return unit(logits)

    def table(
        self,
        paths: Sequence[str],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,
        answering: Postprocess,  # noqa: ARG002
    ) -> pa.Table:
        """Return path, truth, nearest, label, score, rank and correct of outputs (n, P).

        `nearest` is the nearest other photo, `label` its product, `score` their cosine, `rank` the place of the first
        photo of the right product; all are null of a photo that is the only one of its product. `nearest_2` to
        `nearest_5` with `score_2` to `score_5` are the photos after it, as far as there are so many.
        """
        names, places = np.array(classes.names, dtype=object), np.array([str(path) for path in paths], dtype=object)
        found, n = leave_one_out(unit(logits), labels), len(labels)
        near = found.nearest
        others, cosines = nearest_photos(unit(logits), labels, found.queries, SHOWN)
        columns: dict[str, tuple[NDArray[Any], pa.DataType]] = {
            "nearest": (places[near], pa.string()),
            "label": (names[labels[near]], pa.string()),
            "score": (found.score, pa.float32()),
            "rank": (found.ranks, pa.int64()),
            "correct": (found.ranks == 1, pa.bool_()),
        }
        for place in range(1, others.shape[1]):
            columns[f"nearest_{place + 1}"] = (places[others[:, place]], pa.string())
            columns[f"score_{place + 1}"] = (cosines[:, place], pa.float32())
        table = {"path": pa.array(places, pa.string()), "truth": pa.array(names[labels], pa.string())}
        spread = {name: _spread(values, found.queries, n, kind) for name, (values, kind) in columns.items()}
        return pa.table(table | spread)

    def tables(self, metrics: RecallFigures) -> dict[str, pa.Table]:  # noqa: ARG002
        """Return none."""
        return {}

    def answers(
        self,
        logits: NDArray[np.float32],  # noqa: ARG002
        embeddings: NDArray[np.float32],
        answering: Postprocess,  # noqa: ARG002
        names: Sequence[str],  # noqa: ARG002
    ) -> list[EmbeddingAnswer]:
        """Return the embedding of each photo (n, P)."""
        return [EmbeddingAnswer(embedding) for embedding in embeddings]


def _size(asked: int | str, features: int) -> int:
    """Return P for a backbone of so many features; UsageError where more are asked for."""
    if asked == "auto":
        return min(SIZE, features)
    if int(asked) > features:
        raise UsageError(
            f"--embedding.size is {asked}, and the backbone's features are {features} numbers, of which a projection "
            "makes no more; give at most as many"
        )
    return int(asked)


def _centres(embeddings: NDArray[np.float32], labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the mean directions (C, P) of the products up to the last one of the labels (n,); zero of none."""
    sums = np.zeros((int(labels.max()) + 1, embeddings.shape[1]))
    np.add.at(sums, labels, embeddings)
    return unit(sums)


def _spread(values: NDArray[Any], rows: NDArray[np.int64], n: int, kind: pa.DataType) -> pa.Array:
    """Return values (q,) of some rows as a column (n,), null elsewhere."""
    places = np.full(n, -1, np.int64)
    places[rows] = np.arange(len(rows))
    return pa.array(values, kind).take(pa.array(places, mask=places < 0))


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"


def _gap(train: float | None, val: float | None) -> str:
    if train is None or val is None:
        return ""
    gap = train - val
    if gap <= SMALL_GAP:
        return ": no sign of overfitting"
    return f": {gap:.1%} apart, {'overfitting' if gap > WIDE_GAP else 'not unusual'}: more photos would narrow it"


LEARNING = EmbeddingLearning()
