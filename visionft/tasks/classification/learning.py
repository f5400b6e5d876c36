"""Learning classes: cross-entropy, a head solved by logistic regression, top-1, temperature and known score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from visionft.backbones import LinearHead, PrototypeHead
from visionft.bundle import Answer
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.data import Manifest
from visionft.finishing import calibrate
from visionft.finishing.verdict import verdict
from visionft.metrics import KnownScale, Metrics, Postprocess, evaluate_logits, softmax
from visionft.metrics.product_accuracy import ProductAccuracy, product_accuracy
from visionft.runs.calibration_file import Calibration
from visionft.runs.criterion import Criterion, Photos, Solution
from visionft.runs.history import Epoch
from visionft.runs.learning import Final, Outputs, PlainLearning
from visionft.settings import FitSettings
from visionft.tasks.classification.cross_entropy import ClassificationLoss
from visionft.tasks.classification.prototypes import prototypes_for
from visionft.training import class_balance, linear_probe, partial_linear_probe
from visionft.training.linear_probe import INVERSE_REGULARISATION
from visionft.wording.lists import count


class ClassLearning(PlainLearning):
    """One class of several for each photo."""

    def outputs(self, classes: Classes, settings: FitSettings) -> int:  # noqa: ARG002
        """Return C: a logit a class."""
        return len(classes)

    def criterion(self, settings: FitSettings, manifest: Manifest | None) -> Criterion:
        """Return cross-entropy, with the weights of the classes, or with logits that are adjusted to their shares."""
        if manifest is None:
            return ClassificationLoss(settings.optim.label_smoothing)
        counts = manifest.counts()["train"]
        photos = [counts.get(name, 0) for name in manifest.classes]
        given = (class_balance.loss_weights(settings, photos), class_balance.log_prior(settings, photos))
        weights, prior = (None if one is None else torch.from_numpy(one).float() for one in given)
        return ClassificationLoss(settings.optim.label_smoothing, weights, prior)

    def solve(
        self, head: LinearHead, settings: FitSettings, train: Photos, validation: Photos, new: Sequence[int] | None
    ) -> Solution:
        """Solve the whole head, or the rows that an earlier run lacks, by multinomial logistic regression."""
        if isinstance(head, PrototypeHead):
            return prototypes_for(head, train, validation, new)
        photos = (train.features, train.labels, validation.features, validation.labels)
        counts = np.bincount(train.labels, minlength=len(head.weight)).tolist()
        weights, prior = class_balance.solving_weights(settings, counts), class_balance.log_prior(settings, counts)
        # A bias is not regularised: to raise logits by the prior is to find a bias that is as much higher.
        raised = np.zeros(len(head.weight)) if prior is None else prior
        if new is None:
            what, probe = "solved head", linear_probe.solve(*photos, weights=weights)
            kept = np.zeros(0, np.int64)
        else:
            what = f"solved {count(len(new), 'new row')} of the head, {len(head.weight) - len(new)} stay as they were"
            if not new:
                what = (
                    "solved head: no class is new, so all its rows, drawn to the earlier run's (0 leaves them as they "
                    "were)"
                )
            weight, bias = (tensor.detach().cpu().numpy() for tensor in (head.weight, head.bias))
            strengths = INVERSE_REGULARISATION if new else (0.0, *INVERSE_REGULARISATION)
            free = new or range(len(weight))
            start = (bias + raised).astype(np.float32)
            probe = partial_linear_probe.extend(
                *photos, weight=weight, bias=start, free=free, weights=weights, strengths=strengths
            )
            kept = np.setdiff1d(np.arange(len(weight)), free)
        how = f"inverse regularisation {probe.chosen.strength:.2g} of {len(probe.path)} tried"
        solved = (probe.bias - raised).astype(np.float32)
        if len(kept):
            solved[kept] = bias[kept]  # bit for bit
        return Solution(what, probe.weight, solved, how)

    def sample(self, labels: NDArray[Any], photos: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Draw of (n,) labels photos at random, and more of the classes that would have too few for a mean."""
        return calibrate.sample(labels, photos, seed)

    def final(
        self,
        validation: Outputs,
        train: Outputs,
        sampled: NDArray[np.bool_],
        classes: Classes,
        settings: FitSettings,  # noqa: ARG002
    ) -> Final:
        """Calibrate on validation and return the figures so calibrated; `sampled` (m,) is of the training photos."""
        names = list(classes)
        calibration = calibrate.calibrate(validation, train, len(names))
        temperature = calibration.temperature.temperature
        val = evaluate_logits(validation.logits, validation.labels, names, temperature=temperature)
        seen = evaluate_logits(train.logits[sampled], train.labels[sampled], names, temperature=temperature)
        return Final(val, seen, calibration)

    def brief(self, train: Metrics) -> dict[str, Any]:
        """Return top-1 and log-loss."""
        return {"top1": train.top1, "log_loss": train.log_loss, "n": train.n}

    def verdict(self, final: Final, settings: FitSettings, history: Sequence[Epoch], kept: Epoch | None) -> str:
        """Judge the gap of top-1 between training and validation."""
        assert isinstance(final.calibration, Calibration), "classes are calibrated"
        tops = (final.train.top1, final.val.top1)
        return verdict(tops, final.train.n, final.calibration.temperature, settings, history, kept)

    def fitted(self, final: Final) -> list[str]:
        """Say the temperature and the threshold."""
        assert isinstance(final.calibration, Calibration), "classes are calibrated"
        return [calibrate.sentence_of(final.calibration)]

    def calibration(self, folder: Path, val: Mapping[str, Any], classes: Classes) -> Calibration | None:  # noqa: ARG002
        """Return temperature, class means and scores of known photos; None where the run is older than they are."""
        return Calibration.read(folder) if "temperature" in val else None

    def shipped(self, record: BundleRecord) -> Postprocess:
        """Return the temperature of a bundle."""
        return Postprocess(record.temperature, KnownScale.plain())

    def measure(
        self, logits: NDArray[np.float32], labels: NDArray[Any], classes: Classes, answering: Postprocess
    ) -> Metrics:
        """Return all figures of logits (n, C)."""
        return evaluate_logits(logits, labels, list(classes), temperature=answering.temperature)

    def scores(self, logits: NDArray[np.float32], answering: Postprocess) -> NDArray[np.float32]:
        """Return calibrated probabilities (n, C)."""
        return answering.probabilities(logits)

    def table(
        self,
        paths: Sequence[str],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,
        answering: Postprocess,
    ) -> pa.Table:
        """Return path, truth, label, probability, truth_probability, correct of logits (n, C)."""
        probabilities = softmax(logits / answering.temperature)
        answers, n = probabilities.argmax(1), np.arange(len(labels))
        names = np.array(classes.names, dtype=object)
        return pa.table(
            {
                "path": [str(path) for path in paths],
                "truth": names[labels],
                "label": names[answers],
                "probability": probabilities[n, answers].astype(np.float32),
                "truth_probability": probabilities[n, labels].astype(np.float32),
                "correct": answers == labels,
            }
        )

    def product_truth(self, labels: NDArray[Any], index: NDArray[np.integer]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the class (m,) of each product's first photo, and whether all its photos have it (m,)."""
        truth = labels[np.unique(index, return_index=True)[1]]
        return truth, np.bincount(index, weights=labels != truth[index]) == 0

    def product_gain(
        self,
        means: NDArray[np.float32],
        truth: NDArray[Any],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        index: NDArray[np.integer],
        answering: Postprocess,  # noqa: ARG002  # the largest logit is the answer by any temperature
    ) -> ProductAccuracy:
        """Return the accuracy by product beside that by photo."""
        return product_accuracy(means.argmax(1) == truth, logits.argmax(1) == labels, index)

    def tables(self, metrics: Metrics) -> dict[str, pa.Table]:
        """Return the confusion matrix."""
        # By position, not by name: a class may be called "truth" too.
        columns = [pa.array(metrics.classes, pa.string()), *(pa.array(column) for column in metrics.confusion.T)]
        return {"confusion.csv": pa.Table.from_arrays(columns, ["truth", *metrics.classes])}

    def answers(
        self,
        logits: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        answering: Postprocess,
        names: Sequence[str],
    ) -> list[Answer]:
        """Return the class of each photo with calibrated probability and known score, from logits (n, C)."""
        probabilities, scores = answering.probabilities(logits), answering.known(logits, embeddings)
        chosen, unknown = logits.argmax(axis=1), answering.unknown(scores)
        return [
            Answer(
                names[best], int(best), float(probabilities[i, best]), probabilities[i], logits[i], embeddings[i],
                float(scores[i]), bool(unknown[i]),
            )
            for i, best in enumerate(chosen)
        ]  # fmt: skip


LEARNING = ClassLearning()
