"""What a model says of one photo, and what stands in the place of an answer where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

TYPES = {
    "path": "string",
    "label": "string",
    "class_index": "int64",
    "probability": "float32",
    "known_score": "float32",
    "unknown": "bool_",
    "problem": "string",
}
"""Kinds of the columns, by Arrow's names of them."""
COLUMNS = tuple(TYPES)


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model says of one photo.

    Attributes:
        label: name of the class.
        class_index: its index in the classes.
        probability: calibrated probability of the label, in [0, 1].
        probabilities: (C,) float32, calibrated.
        logits: (C,) float32, raw.
        embedding: (D,) float32 of Euclidean length 1.
        known_score: higher is more surely one of the classes.
        unknown: whether it is below the threshold.
    """

    label: str
    class_index: int
    probability: float
    probabilities: NDArray[np.float32]
    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    known_score: float
    unknown: bool


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer to one photo.

    Attributes:
        path: the photo, as the caller named it; of one in memory the name of its file, else `item 3`, from 0.
        label: name of the class.
        class_index: its index in the classes.
        probability: calibrated probability of the label, in [0, 1].
        probabilities: (C,) float32, calibrated.
        unknown: whether the photo is likely none of the classes; never where there is no threshold.
        known_score: higher is more surely one of the classes.
        problem: None; of what could not be read, the reason.
    """

    path: str
    label: str
    class_index: int
    probability: float
    probabilities: NDArray[np.float32] = field(repr=False)  # a line of an answer has no room for them
    unknown: bool
    known_score: float
    problem: ClassVar[None] = None

    @classmethod
    def of(cls, path: str | Path, answer: Answer) -> Prediction:
        """Build from a session's answer."""
        return cls(
            str(path),
            answer.label,
            answer.class_index,
            answer.probability,
            answer.probabilities,
            answer.unknown,
            answer.known_score,
        )

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column, without the probabilities of all classes."""
        values = (self.path, self.label, self.class_index, self.probability, self.known_score, self.unknown, None)
        return dict(zip(COLUMNS, values, strict=True))


@dataclass(frozen=True)
class Unanswered:
    """What stands in the place of an answer: what every attribute of one would be is None.

    Attributes:
        path: what was asked about, as a `Prediction` has it.
        problem: why it could not be read, in a few words.
        named: whether it was given itself, and not found in a folder or by a pattern.
    """

    path: str
    problem: str
    named: bool = True
    label: ClassVar[None] = None
    class_index: ClassVar[None] = None
    probability: ClassVar[None] = None
    probabilities: ClassVar[None] = None
    unknown: ClassVar[None] = None
    known_score: ClassVar[None] = None

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        return dict.fromkeys(COLUMNS) | {"path": self.path, "problem": self.problem}


Row = Prediction | Unanswered
