"""Whose embeddings an index holds: told apart by the digest of the weights, found again by their place."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.errors import SearchIndexError

Photo = NDArray[np.uint8]
Vectors = NDArray[np.float32]
DIGITS = 12
"""Of a digest, shown to people."""
NO_DIRECTION = "its embedding has no direction: the network answers it with zeros"


@dataclass(frozen=True)
class Origin:
    """The model that an index was made with.

    Attributes:
        kind: `bundle` or `run`.
        place: its folder, absolute.
        digest: SHA-256 of what makes its embeddings: the weights, and the adapter's where there is one.
        adapter: the one that answers, in a bundle with adapters.
        backbone: timm's name of the network.
        numbers: of an embedding.
    """

    kind: str
    place: str
    digest: str
    adapter: str | None
    backbone: str
    numbers: int

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Origin:
        """Read what `to_json` returned."""
        return cls(**record)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        adapter = f", adapter {self.adapter}" if self.adapter else ""
        return f"the {self.kind} {self.place} ({self.digest[:DIGITS]}{adapter})"

    def require(self, other: Origin, folder: Path) -> None:
        """Refuse a model other than this one, by name.

        Raises:
            SearchIndexError: the embeddings of the two cannot be compared.
        """
        if (self.digest, self.numbers) != (other.digest, other.numbers):
            raise SearchIndexError(
                f"the index {folder} was made with {self}, and {other} embeds photos otherwise: give the one that it "
                "was made with, or another --out for an index of its own"
            )

    def way_from(self, folder: Path) -> str:
        """Return the way to the model from the folder of an index, which stays true where both are moved together."""
        return os.path.relpath(self.place, folder.absolute())

    def found_from(self, folder: Path, way: str) -> Path:
        """Return where the model is now: where it was, or else where `way_from` leads."""
        known = Path(self.place)
        return known if known.exists() else folder.absolute() / way


@dataclass(frozen=True, eq=False)
class Embedder:
    """What makes embeddings, in two steps.

    Attributes:
        origin: the model.
        prepare: from (H, W, 3) uint8 RGB to one input of the network; safe in any thread.
        embed: from inputs to as many embeddings (D,) float32; in one thread.
    """

    origin: Origin
    prepare: Callable[[Photo], Any]
    embed: Callable[[Sequence[Any]], Sequence[Vectors]]


def unit_vector(embedding: Vectors) -> Vectors | None:
    """Return an embedding (D,) at length 1; None where it has no direction, as that of an all-black photo may be."""
    length = float(np.linalg.norm(np.asarray(embedding, np.float64)))
    if not np.isfinite(length) or length == 0:
        return None
    return np.asarray(embedding / length, np.float32)
