"""Learning a number: L1 or L2 on standardised labels, a head solved by ridge regression, MAE, RMSE and R2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from visionft.backbones import LinearHead, Network
from visionft.backbones.heads import MlpHead
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.data import Manifest
from visionft.finishing.verdict import kept_weights
from visionft.metrics import Postprocess
from visionft.runs.criterion import Criterion, Photos, Solution
from visionft.runs.history import Epoch
from visionft.runs.learning import Final, Outputs, PlainLearning
from visionft.settings import FitSettings
from visionft.tasks.regression import ridge
from visionft.tasks.regression.answers import NumberAnswer
from visionft.tasks.regression.error_figures import ErrorFigures, error_figures
from visionft.tasks.regression.labels import statistics
from visionft.tasks.regression.spec import SPEC
from visionft.tasks.regression.standardised_loss import StandardisedLoss

SMALL_GAP = 1.25  # validation's error over that of training photos, which nobody need worry about
WIDE_GAP = 2.0


class NumberLearning(PlainLearning):
    """One number for each photo: trained on standardised labels, answered in their own unit."""

    def outputs(self, classes: Classes, settings: FitSettings) -> int:  # noqa: ARG002
        """Return 1."""
        return 1

    def criterion(self, settings: FitSettings, manifest: Manifest | None) -> Criterion:
        """Return L2, or L1 where it is asked for, on labels standardised by the training photos."""
        mean, std = (0.0, 1.0) if manifest is None else statistics(manifest.rows("train").labels)
        return StandardisedLoss("l1" if settings.loss == "l1" else "l2", mean, std)

    def solve(
        self,
        head: LinearHead,  # noqa: ARG002
        settings: FitSettings,  # noqa: ARG002
        train: Photos,
        validation: Photos,
        new: Sequence[int] | None,  # noqa: ARG002
    ) -> Solution:
        """Solve the head by ridge regression on standardised labels."""
        mean, std = statistics(train.labels)
        targets = [(np.asarray(part.labels, np.float64) - mean) / std for part in (train, validation)]
        found = ridge.solve(train.features, targets[0], validation.features, targets[1])
        how = f"ridge {found.strength:.2g} a photo, of {len(ridge.STRENGTHS)} tried"
        return Solution("solved head", found.weight, found.bias, how)

    @torch.no_grad()
    def fold(self, network: Network, manifest: Manifest) -> None:
        """Fold mean and standard deviation of the training labels into the head, which then answers in their unit."""
        mean, std = statistics(manifest.rows("train").labels)
        last = network.head.out if isinstance(network.head, MlpHead) else network.head
        assert isinstance(last, LinearHead), "no other head learns numbers"
        last.weight.copy_(last.weight.double() * std)
        last.bias.copy_(last.bias.double() * std + mean)

    def final(
        self,
        validation: Outputs,
        train: Outputs,
        sampled: NDArray[np.bool_],  # noqa: ARG002
        classes: Classes,
        settings: FitSettings,  # noqa: ARG002
    ) -> Final:
        """Return the figures; there is nothing to calibrate. `sampled` (m,) is of the training photos."""
        val, seen = (
            self.measure(part.logits, part.labels, classes, Postprocess.plain()) for part in (validation, train)
        )
        return Final(val, seen)

    def brief(self, train: ErrorFigures) -> dict[str, Any]:
        """Return all figures without their intervals."""
        return train.summary()

    def verdict(
        self,
        final: Final,
        settings: FitSettings,  # noqa: ARG002
        history: Sequence[Epoch],
        kept: Epoch | None,
    ) -> str:
        """Judge the error on validation against that on training photos."""
        train, val = final.train, final.val
        told = f"MAE is {train.mae:.4g} on {train.n:,} training photos and {val.mae:.4g} on validation: {_gap(final)}"
        return told + kept_weights(history, kept, "the solved head", f"the least {SPEC.score.words}")

    def fitted(self, final: Final) -> list[str]:  # noqa: ARG002
        """Return nothing: nothing is fitted to validation."""
        return []

    def calibration(self, folder: Path, val: Mapping[str, Any], classes: Classes) -> None:  # noqa: ARG002
        """Return nothing: nothing is fitted to validation."""
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
    ) -> ErrorFigures:
        """Return the figures of answers (n, 1)."""
        return error_figures(logits[:, 0], labels)

    def scores(self, logits: NDArray[np.float32], answering: Postprocess) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the numbers (n,) of outputs (n, 1)."""
        return logits[:, 0]

    def table(
        self,
        paths: Sequence[str],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,  # noqa: ARG002
        answering: Postprocess,  # noqa: ARG002
    ) -> pa.Table:
        """Return path, truth, value and error, which is value - truth, of outputs (n, 1)."""
        values = logits[:, 0]
        return pa.table(
            {"path": [str(path) for path in paths], "truth": labels, "value": values, "error": values - labels}
        )

    def tables(self, metrics: ErrorFigures) -> dict[str, pa.Table]:  # noqa: ARG002
        """Return none."""
        return {}

    def answers(
        self,
        logits: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        answering: Postprocess,  # noqa: ARG002
        names: Sequence[str],  # noqa: ARG002
    ) -> list[NumberAnswer]:
        """Return the number of each photo, from outputs (n, 1)."""
        return [NumberAnswer(float(value), embeddings[i]) for i, value in enumerate(logits[:, 0])]


def _gap(final: Final) -> str:
    ratio = final.val.mae / max(final.train.mae, 1e-12)
    if ratio <= SMALL_GAP:
        return "no sign of overfitting"
    times = f"{ratio:.1f} times as much" if ratio < 100 else "many times as much"
    return f"{times}, {'overfitting' if ratio > WIDE_GAP else 'not unusual'}: more photos would narrow it"


LEARNING = NumberLearning()
