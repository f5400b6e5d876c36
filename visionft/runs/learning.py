"""How a task is learnt and measured: what each task brings of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.backbones import LinearHead, Network
from visionft.backbones.create import Outputs as HeadOutputs
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.data import Manifest
from visionft.metrics import Postprocess
from visionft.runs.criterion import Criterion, Photos, Solution
from visionft.runs.history import Epoch
from visionft.settings import FitSettings
from visionft.tasks import registry


@dataclass(frozen=True, eq=False)
class Outputs:
    """What the final network says of n photos.

    Attributes:
        logits: (n, K) raw.
        embeddings: (n, D) of length 1.
        labels: (n,).
    """

    logits: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    labels: NDArray[Any]


class Measures(Protocol):
    """The figures of a set of photos."""

    @property
    def n(self) -> int:
        """Photos."""
        ...

    @property
    def intervals(self) -> Mapping[str, tuple[float, float] | None]:
        """95 % intervals by the figures' names."""
        ...

    @property
    def headline(self) -> str:
        """The figure that counts, with its interval, in words: `top-1 is 96.7% (95 % interval 88.8% to 99.1%)`."""
        ...

    def summary(self) -> dict[str, float | int]:
        """Return the figures that the command line's JSON line holds."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        ...


class ProductGain(Protocol):
    """Figures by product beside those by photo, of the same photos; as text they are a line."""

    @property
    def several(self) -> int:
        """Products that have more than one photo."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        ...


class Fitted(Protocol):
    """What was fitted to validation photos."""

    def write(self, folder: Path) -> None:
        """Write it into the run's folder."""
        ...

    def answering(self, accepted: float | None) -> Postprocess:
        """Return the rule from logits to answers, with the threshold for a share of known photos, in (0, 1)."""
        ...


@dataclass(frozen=True)
class Final:
    """What the final network shows.

    Attributes:
        val: on validation.
        train: on a sample of the training photos.
        calibration: what was fitted to validation; none where the task has nothing to fit.
    """

    val: Any
    train: Any
    calibration: Fitted | None = None


class Learning(Protocol):
    """How a network learns a task."""

    def outputs(self, classes: Classes, settings: FitSettings) -> HeadOutputs:
        """Return K, the numbers that the head answers with, or what makes it of the features D."""
        ...

    def criterion(self, settings: FitSettings, manifest: Manifest | None) -> Criterion:
        """Return the training loss, as the training photos ask for it, where they are given."""
        ...

    def solve(
        self, head: LinearHead, settings: FitSettings, train: Photos, validation: Photos, new: Sequence[int] | None
    ) -> Solution:
        """Solve the linear head on features.

        Args:
            head: as it is.
            settings: of the run.
            train: to be solved on.
            validation: to choose the regularisation by.
            new: rows of the head that an earlier run lacks; none: there is no earlier run.
        """
        ...

    def fold(self, network: Network, manifest: Manifest) -> None:
        """Let the network answer in the labels' own unit, where it was trained in another; changed in place."""
        ...

    def sample(self, labels: NDArray[Any], photos: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Draw of (n,) labels some to measure; return rising indices (m,), and which were drawn at random (m,)."""
        ...

    def final(
        self,
        validation: Outputs,
        train: Outputs,
        sampled: NDArray[np.bool_],
        classes: Classes,
        settings: FitSettings,
    ) -> Final:
        """Return the final figures; `sampled` (m,) tells which training photos were drawn at random."""
        ...

    def brief(self, train: Any) -> dict[str, Any]:
        """Return what result.json keeps of the figures on training photos."""
        ...

    def verdict(self, final: Final, settings: FitSettings, history: Sequence[Epoch], kept: Epoch | None) -> str:
        """Say which weights are kept and whether they overfit."""
        ...

    def fitted(self, final: Final) -> list[str]:
        """Say what was fitted to validation, a line each."""
        ...

    def calibration(self, folder: Path, val: Mapping[str, Any], classes: Classes) -> Fitted | None:
        """Return what was fitted for a run; None where nothing was.

        Args:
            folder: of the run.
            val: its figures on validation, which are few where it is not finished.
            classes: of the run.

        Raises:
            RunError: a file is missing or damaged.
        """
        ...

    def shipped(self, record: BundleRecord) -> Postprocess:
        """Return the rule by which the figures of a bundle are measured."""
        ...

    def measure(
        self, logits: NDArray[np.float32], labels: NDArray[Any], classes: Classes, answering: Postprocess
    ) -> Measures:
        """Return the figures of photos from raw outputs (n, K)."""
        ...

    def scores(self, logits: NDArray[np.float32], answering: Postprocess) -> NDArray[np.float32]:
        """Return what a metric of the caller's own is given of logits (n, K), in the order of the photos."""
        ...

    def table(
        self,
        paths: Sequence[str],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,
        answering: Postprocess,
    ) -> pa.Table:
        """Return a row a photo, path, truth and answer, from raw outputs (n, K) and labels (n,)."""
        ...

    def product_truth(self, labels: NDArray[Any], index: NDArray[np.integer]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the labels (m, ...) of products by those of their photos, and which products (m,) have one.

        Of tasks with the stage `products`, as the next one.

        Args:
            labels: (n, ...) of photos.
            index: (n,) the product of each photo, in [0, m), each of them there.
        """
        ...

    def product_gain(
        self,
        means: NDArray[np.float32],
        truth: NDArray[Any],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        index: NDArray[np.integer],
        answering: Postprocess,
    ) -> ProductGain:
        """Compare one answer a product with one a photo.

        Args:
            means: (m, K) the mean outputs of each product's photos.
            truth: (m, ...) labels of the products.
            logits: (n, K) of the photos.
            labels: (n, ...) of the photos.
            index: (n,) the product of each photo.
            answering: from logits to answers.
        """
        ...

    def tables(self, metrics: Any) -> dict[str, pa.Table]:
        """Return further tables of an evaluation by the names of their files."""
        ...

    def answers(
        self,
        logits: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        answering: Postprocess,
        names: Sequence[str],
    ) -> list[Any]:
        """Return each answer as `visionft.bundle.answers` has it, from outputs (n, K) and features (n, D)."""
        ...


class PlainLearning:
    """What is alike where outputs are answers as they are and every photo counts alike."""

    def fold(self, network: Network, manifest: Manifest) -> None:
        """Leave outputs as they are."""

    def sample(self, labels: NDArray[Any], photos: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Draw of (n,) or (n, K) labels photos at random."""
        drawn = np.sort(np.random.default_rng(seed).permutation(len(labels))[:photos])
        return drawn, np.ones(len(drawn), np.bool_)


def learning_of(task: str) -> Learning:
    """Return how a task is learnt."""
    found: Learning = registry.part(task, "learning")
    return found


@runtime_checkable
class SomeRows(Protocol):
    """How a task is learnt whose head has rows for some of the classes alone."""

    def rows(self, classes: Classes) -> Classes:
        """Return the classes that the head has a row for, in the order of the rows."""
        ...


def head_rows(task: str, classes: Classes) -> Classes:
    """Return the classes that a task's head has a row for: all, unless the task has fewer."""
    learning = learning_of(task)
    return learning.rows(classes) if isinstance(learning, SomeRows) else classes
