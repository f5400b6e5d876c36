"""What export needs of a run: the trained model and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from visionft.backbones import Network
from visionft.classes import Classes
from visionft.metrics import Postprocess
from visionft.preprocess import Preprocess
from visionft.settings import FitSettings


class Rows(Protocol):
    """Photos of one split."""

    @property
    def paths(self) -> Sequence[str]:
        """Paths relative to the photos' folder."""
        ...

    @property
    def labels(self) -> NDArray[np.int64]:
        """(n,) class indices."""
        ...

    @property
    def digests(self) -> Sequence[str]:
        """SHA-256 of the files."""
        ...


class Photos(Protocol):
    """The manifest of a run."""

    @property
    def root(self) -> Path:
        """The photos' folder."""
        ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all rows."""
        ...

    def rows(self, split: str) -> Rows:
        """Return the photos of a split."""
        ...


class TrainedModel(Protocol):
    """The trained model: fp32, eager, on CPU, final weights, with its exact transform."""

    @property
    def path(self) -> Path:
        """The run's folder."""
        ...

    @property
    def classes(self) -> Classes:
        """The classes, in the order of the logits."""
        ...

    @property
    def preprocess(self) -> Preprocess:
        """The evaluation transform."""
        ...

    @property
    def settings(self) -> FitSettings:
        """The resolved settings."""
        ...

    @property
    def result(self) -> Mapping[str, Any]:
        """The final figures of the training."""
        ...

    @property
    def environment(self) -> Mapping[str, Any]:
        """Versions and hardware of the training."""
        ...

    @property
    def teacher(self) -> Mapping[str, Any] | None:
        """The run that taught it; see `Origin`."""
        ...

    @property
    def origin(self) -> Mapping[str, Any] | None:
        """The run that this one went on from: `path`, `weights_sha256` and more; none: it began with pretraining."""
        ...

    @property
    def weights_source(self) -> Mapping[str, Any]:
        """`kind`, `licence`, `location` and `sha256` of the pretrained weights; unknown ones are None."""
        ...

    def answering(self, accepted: float | None) -> Postprocess:
        """Return the rule from logits to answers, with the threshold for a share of known photos, in (0, 1)."""
        ...

    def network(self) -> Network:
        """Return the network with its final weights."""
        ...

    def manifest(self) -> Photos:
        """Return the photos it was trained on."""
        ...
