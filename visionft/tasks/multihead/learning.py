"""Learning several heads: a masked loss, each head solved by itself, the mean of their top-1, a temperature each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from visionft.backbones import LinearHead
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.data import Manifest
from visionft.errors import UsageError
from visionft.finishing.verdict import kept_weights
from visionft.metrics import Postprocess
from visionft.photos import printable
from visionft.planning.auto import solves_head
from visionft.runs import Run
from visionft.runs.class_changes import succeed
from visionft.runs.criterion import Criterion, Photos, Solution
from visionft.runs.history import Epoch
from visionft.runs.learning import Final, Outputs, PlainLearning
from visionft.settings import FitSettings
from visionft.tasks.multihead import head_solver
from visionft.tasks.multihead.answers import HeadsAnswer, answer_of
from visionft.tasks.multihead.head_figures import HeadsFigures, heads_figures
from visionft.tasks.multihead.head_layout import Heads, head_of
from visionft.tasks.multihead.head_loss import HeadsLoss
from visionft.tasks.multihead.head_temperatures import HeadPostprocess, HeadTemperatures
from visionft.tasks.multihead.heads_table import heads_table
from visionft.tasks.multihead.spec import SPEC
from visionft.training import class_balance

SMALL_GAP = 0.05  # of mean top-1 between training photos and validation, which nobody need worry about
WIDE_GAP = 0.15


class HeadsLearning(PlainLearning):
    """One label of each head for each photo."""

    def outputs(self, classes: Classes, settings: FitSettings) -> tuple[int, ...]:  # noqa: ARG002
        """Return the classes of each head: a logit a class, each head multiplied by itself."""
        return Heads(classes.names).sizes

    def criterion(self, settings: FitSettings, manifest: Manifest | None) -> Criterion:
        """Return the cross-entropy of each head, with the weights of its classes where these are balanced."""
        if manifest is None:
            raise UsageError(
                f"the task {settings.task} learns the heads of its photos, which your own Trainer does not know; use "
                "visionft.fit"
            )
        heads = Heads(manifest.classes.names)
        weights = _weights(heads, settings, manifest)
        return HeadsLoss(heads, settings.optim.label_smoothing, weights)

    def solve(
        self, head: LinearHead, settings: FitSettings, train: Photos, validation: Photos, new: Sequence[int] | None
    ) -> Solution:
        """Solve each head by itself; those that an earlier run has come back bit for bit where others are new."""
        rows = head.weight.detach().cpu().numpy(), head.bias.detach().cpu().numpy()
        return head_solver.solve(Heads(train.classes), rows, settings, train, validation, new)

    def final(
        self,
        validation: Outputs,
        train: Outputs,
        sampled: NDArray[np.bool_],  # noqa: ARG002
        classes: Classes,
        settings: FitSettings,
    ) -> Final:
        """Fit the temperatures to validation and return the figures; `sampled` (m,) is of training photos."""
        heads = Heads(classes.names)
        fitted = HeadTemperatures.fit(heads, validation.logits, validation.labels, _kept(heads, classes, settings))
        answering = fitted.answering()
        val, seen = (heads_figures(part.logits, part.labels, answering) for part in (validation, train))
        return Final(val, seen, fitted)

    def brief(self, train: HeadsFigures) -> dict[str, Any]:
        """Return the mean top-1 and that of each head."""
        return train.summary()

    def verdict(
        self,
        final: Final,
        settings: FitSettings,  # noqa: ARG002
        history: Sequence[Epoch],
        kept: Epoch | None,
    ) -> str:
        """Judge the gap of the mean top-1 between training photos and validation, and name the widest of a head."""
        score = SPEC.score
        told = (
            f"{score.words} is {final.train.top1:.1%} on {final.train.n:,} training photos and {final.val.top1:.1%} on "
            f"validation: {_gap(final)}"
        )
        return told + kept_weights(history, kept, "the solved heads", f"the best {score.words}")

    def fitted(self, final: Final) -> list[str]:
        """Say the temperatures."""
        assert isinstance(final.calibration, HeadTemperatures), "heads are calibrated"
        return [final.calibration.sentence()]

    def calibration(self, folder: Path, val: Mapping[str, Any], classes: Classes) -> HeadTemperatures:
        """Return the temperatures of a run; 1 of one that is not finished."""
        heads = Heads(classes.names)
        return HeadTemperatures.read(folder, heads) if "heads" in val else HeadTemperatures.plain(heads)

    def shipped(self, record: BundleRecord) -> Postprocess:
        """Return the rule of a bundle, by the figures of its run."""
        training: Any = record.figures.get("training", {})
        told = training.get("val", {}).get("heads", {})
        temperatures = {name: row["temperature"] for name, row in told.items() if row is not None}
        return HeadPostprocess.by(Heads(record.classes), temperatures)

    def measure(
        self,
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,  # noqa: ARG002  # the rule has the heads of them
        answering: Postprocess,
    ) -> HeadsFigures:
        """Return the figures of logits (n, K)."""
        assert isinstance(answering, HeadPostprocess), "heads are read by their temperatures"
        return heads_figures(logits, labels, answering)

    def scores(self, logits: NDArray[np.float32], answering: Postprocess) -> NDArray[np.float32]:
        """Return calibrated probabilities (n, K), which sum to 1 in each head."""
        return answering.probabilities(logits)

    def table(
        self,
        paths: Sequence[str],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,  # noqa: ARG002
        answering: Postprocess,
    ) -> pa.Table:
        """Return a row a photo of logits (n, K) and labels (n, H); see `heads_table`."""
        assert isinstance(answering, HeadPostprocess), "heads are read by their temperatures"
        return heads_table(paths, logits, labels, answering)

    def tables(self, metrics: HeadsFigures) -> dict[str, pa.Table]:
        """Return the figures of each head, and of each class."""
        return {
            "heads.csv": pa.Table.from_pylist(metrics.rows()),
            "classes.csv": pa.Table.from_pylist(metrics.class_rows()),
        }

    def answers(
        self,
        logits: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        answering: Postprocess,
        names: Sequence[str],  # noqa: ARG002
    ) -> list[HeadsAnswer]:
        """Return the labels of each photo, from logits (n, K)."""
        assert isinstance(answering, HeadPostprocess), "heads are read by their temperatures"
        probabilities = answering.probabilities(logits)
        best = answering.heads.best(logits)
        return [
            answer_of(answering.heads, best[i], probabilities[i], logits[i], embeddings[i]) for i in range(len(logits))
        ]


def _weights(heads: Heads, settings: FitSettings, manifest: Manifest) -> torch.Tensor | None:
    """Return (K,) weights of the classes, of each head by the photos that know it; None where all are alike."""
    found = list[NDArray[np.float64]]()
    for own, size in zip(manifest.rows("train").labels.T, heads.sizes, strict=True):
        weights = class_balance.loss_weights(settings, np.bincount(own[own >= 0], minlength=size).tolist())
        if weights is None:
            return None
        found.append(weights)
    return torch.from_numpy(np.concatenate(found)).float()


def _kept(heads: Heads, classes: Classes, settings: FitSettings) -> dict[str, float]:
    """Return the temperatures of the heads that another one joined, and that were not solved anew; by their names."""
    if settings.from_run is None or not _nothing_moves(settings):
        return {}
    parent = Run.open(settings.from_run)
    rows = succeed(parent.classes, classes, settings.classes.rename).rows
    if None not in rows or not isinstance(parent.calibration, HeadTemperatures):
        return {}
    earlier = parent.calibration.values
    whole = {name: rows[own] for name, own in zip(heads.names, heads.slices, strict=True) if None not in rows[own]}
    return {name: earlier[head_of(parent.classes[at[0]])] for name, at in whole.items() if at[0] is not None}


def _nothing_moves(settings: FitSettings) -> bool:
    """Tell whether nothing is trained by epochs."""
    return settings.epochs == 0 or (settings.method.name == "head" and solves_head(settings))


def _gap(final: Final) -> str:
    gap = final.train.top1 - final.val.top1
    if gap <= SMALL_GAP:
        return f"a gap of {100 * gap:.1f} points, no sign of overfitting"
    pairs = ((name, final.train.heads[name], final.val.heads[name]) for name in final.val.heads)
    gaps = {name: seen.top1 - held.top1 for name, seen, held in pairs if seen is not None and held is not None}
    widest = max(gaps, key=lambda name: gaps[name])
    sign = "overfitting" if gap > WIDE_GAP else "not unusual"
    return (
        f"a gap of {100 * gap:.1f} points, {sign}, the widest of {printable(widest)} ({100 * gaps[widest]:.1f}); more "
        "photos would narrow it"
    )


LEARNING = HeadsLearning()
