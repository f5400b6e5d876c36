"""Learning several labels: a masked loss, a head solved one against the rest, mAP and F1, a threshold a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.backbones import LinearHead
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.data import Manifest
from visionft.finishing.verdict import kept_weights
from visionft.metrics import Postprocess
from visionft.photos import printable
from visionft.runs.criterion import Criterion, Photos, Solution
from visionft.runs.history import Epoch
from visionft.runs.learning import Final, Outputs, PlainLearning
from visionft.settings import FitSettings
from visionft.tasks.multilabel import label_products, one_vs_rest
from visionft.tasks.multilabel.answers import ANSWERS, LabelsAnswer
from visionft.tasks.multilabel.label_figures import LabelFigures, label_figures
from visionft.tasks.multilabel.label_products import LabelProducts
from visionft.tasks.multilabel.label_sets import texts_of
from visionft.tasks.multilabel.label_thresholds import LabelPostprocess, LabelThresholds
from visionft.tasks.multilabel.masked_loss import MaskedLoss, balanced
from visionft.tasks.multilabel.spec import SPEC
from visionft.wording.lists import count, some

SMALL_GAP = 0.05  # of mAP between training photos and validation, which nobody need worry about
WIDE_GAP = 0.15


class LabelLearning(PlainLearning):
    """Several labels for each photo, each told by itself."""

    def outputs(self, classes: Classes, settings: FitSettings) -> int:  # noqa: ARG002
        """Return C: a logit a label."""
        return len(classes)

    def criterion(self, settings: FitSettings, manifest: Manifest | None) -> Criterion:
        """Return the loss over known entries, with the weights of the labels where these are balanced."""
        weighed = manifest is not None and settings.optim.class_weights == "balanced"
        weights = balanced(manifest.rows("train").labels) if manifest is not None and weighed else None
        return MaskedLoss("asl" if settings.loss == "asl" else "bce", weights)

    def solve(
        self,
        head: LinearHead,  # noqa: ARG002
        settings: FitSettings,
        train: Photos,
        validation: Photos,
        new: Sequence[int] | None,  # noqa: ARG002
    ) -> Solution:
        """Solve a logistic regression for each label over the photos whose entry is known."""
        weighed = settings.optim.class_weights == "balanced"
        found = one_vs_rest.solve(train.features, train.labels, validation.features, validation.labels, weighed=weighed)
        how = f"inverse regularisation {found.strength:.2g} of {found.tried} tried"
        return Solution("solved head", found.weight, found.bias, how)

    def final(
        self,
        validation: Outputs,
        train: Outputs,
        sampled: NDArray[np.bool_],  # noqa: ARG002
        classes: Classes,
        settings: FitSettings,
    ) -> Final:
        """Fit the thresholds to validation and return the figures by them; `sampled` (m,) is of training photos."""
        plain = LabelThresholds.plain(classes).answering()
        fitted = LabelThresholds.fit(
            plain.probabilities(validation.logits),
            validation.labels,
            classes,
            settings.labels.precision,
            at_least_one=settings.labels.at_least_one,
        )
        answering = fitted.answering()
        val, seen = (self.measure(part.logits, part.labels, classes, answering) for part in (validation, train))
        return Final(val, seen, fitted)

    def brief(self, train: LabelFigures) -> dict[str, Any]:
        """Return mAP and F1."""
        return train.summary()

    def verdict(
        self,
        final: Final,
        settings: FitSettings,  # noqa: ARG002
        history: Sequence[Epoch],
        kept: Epoch | None,
    ) -> str:
        """Judge the gap of mAP between training photos and validation."""
        score = SPEC.score
        told = f"{score.words} on validation is {final.val.map:{score.style}}"
        if final.train.map is not None:
            told += f", and {final.train.map:{score.style}} on {final.train.n:,} training photos: {_gap(final)}"
        return told + kept_weights(history, kept, "the solved head", f"the best {score.words}")

    def fitted(self, final: Final) -> list[str]:
        """Say where the thresholds lie."""
        assert isinstance(final.calibration, LabelThresholds), "thresholds are fitted"
        one = "; where none is, the most probable one is" if final.calibration.at_least_one else ""
        if final.calibration.target is not None:
            return [_held(final.calibration) + one]
        values = sorted(final.calibration.values.values())
        span = f"{values[0]:.2f}" if values[0] == values[-1] else f"{values[0]:.2f} to {values[-1]:.2f}"
        return [
            f"thresholds: a label is chosen from a probability of {span} up, by the best F1 of each on validation{one}"
        ]

    def calibration(self, folder: Path, val: Mapping[str, Any], classes: Classes) -> LabelThresholds:
        """Return the thresholds of a run; half of a run that is not finished."""
        return LabelThresholds.read(folder, classes) if "labels" in val else LabelThresholds.plain(classes)

    def shipped(self, record: BundleRecord) -> Postprocess:
        """Return the rule of a bundle, by the figures of its run."""
        reading = ANSWERS.reading(record)
        assert reading.labels is not None, "labels are read by their thresholds"
        return LabelPostprocess.by(reading.labels, at_least_one=reading.at_least_one)

    def measure(
        self, logits: NDArray[np.float32], labels: NDArray[Any], classes: Classes, answering: Postprocess
    ) -> LabelFigures:
        """Return the figures of logits (n, C)."""
        assert isinstance(answering, LabelPostprocess), "labels are read by their thresholds"
        found = answering.probabilities(logits)
        return label_figures(found, labels, answering.thresholds, classes.names, chosen=answering.chosen(found))

    def scores(self, logits: NDArray[np.float32], answering: Postprocess) -> NDArray[np.float32]:
        """Return the probability of each label, (n, C)."""
        return answering.probabilities(logits)

    def table(
        self,
        paths: Sequence[str],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,
        answering: Postprocess,
    ) -> pa.Table:
        """Return path, truth, labels, and how many known entries are wrong, of logits (n, C)."""
        assert isinstance(answering, LabelPostprocess), "labels are read by their thresholds"
        chosen = answering.chosen(answering.probabilities(logits))
        return pa.table(
            {
                "path": pa.array([str(path) for path in paths], pa.string()),
                "truth": pa.array(texts_of(labels, classes.names), pa.string()),
                "labels": pa.array(texts_of(chosen.astype(np.int8), classes.names), pa.string()),
                "wrong": ((labels >= 0) & (chosen != (labels == 1))).sum(axis=1),
            }
        )

    def product_truth(self, labels: NDArray[Any], index: NDArray[np.integer]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the entries (m, C) of products that any of their photos knows, and which contradict nowhere (m,)."""
        return label_products.truth(labels, index)

    def product_gain(
        self,
        means: NDArray[np.float32],
        truth: NDArray[Any],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        index: NDArray[np.integer],
        answering: Postprocess,
    ) -> LabelProducts:
        """Return mAP and F1 by product beside those by photo."""
        assert isinstance(answering, LabelPostprocess), "labels are read by their thresholds"
        found = [answering.probabilities(part) for part in (means, logits)]
        products, photos = (
            (scores, answering.chosen(scores), known) for scores, known in zip(found, (truth, labels), strict=True)
        )
        return label_products.compared(products, photos, index)

    def tables(self, metrics: LabelFigures) -> dict[str, pa.Table]:
        """Return the figures of each label."""
        return {"labels.csv": pa.Table.from_pylist(metrics.to_json()["labels"])}

    def answers(
        self,
        logits: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        answering: Postprocess,
        names: Sequence[str],  # noqa: ARG002
    ) -> list[LabelsAnswer]:
        """Return the labels of each photo, from logits (n, C)."""
        assert isinstance(answering, LabelPostprocess), "labels are read by their thresholds"
        probabilities = answering.probabilities(logits)
        chosen = answering.chosen(probabilities)
        return [LabelsAnswer(probabilities[i], chosen[i], logits[i], embeddings[i]) for i in range(len(probabilities))]


def _held(fitted: LabelThresholds) -> str:
    held, names = fitted.bounds, fitted.values
    lost = [printable(name) for name in names if name not in held]
    verb = "holds" if len(held) == 1 else "hold"
    never = "chosen by no threshold" if fitted.at_least_one else "never chosen"
    never = f"; {never}, as too few validation photos show it: {some(lost)}" if lost else ""
    return (
        f"thresholds: on validation {len(held):,} of {count(len(names), 'label')} {verb} a precision of "
        f"{fitted.target:.1%}, with 95 % confidence each{never}"
    )


def _gap(final: Final) -> str:
    gap = final.train.map - final.val.map
    if gap <= SMALL_GAP:
        return "no sign of overfitting"
    sign = "overfitting" if gap > WIDE_GAP else "not unusual"
    return f"{100 * gap:.1f} points apart, {sign}: more photos would narrow it"


LEARNING = LabelLearning()
