"""What a task says of itself before anything is imported for it: its losses, its heads, and which stages it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Stage = Literal[
    "label_smoothing", "class_weights", "distill", "from", "advise", "blend", "calibration", "reduce", "target",
    "adapters", "compare", "report", "queries", "slices", "products", "review", "explain", "long_tail", "confidence",
    "prototypes", "heads",
]  # fmt: skip
"""What only some tasks have; `queries`: photos are answered with photos, and a page shows which; `heads`: a photo has
several answers, and a page shows each by itself."""


@dataclass(frozen=True)
class Score:
    """The figure on validation by which the best epoch is chosen.

    Attributes:
        name: its key in JSON; `val_NAME` is its column in metrics.csv.
        words: its name for people.
        style: how it is printed, as Python formats numbers.
        higher: whether a higher one is better.
    """

    name: str
    words: str
    style: str
    higher: bool = True

    @property
    def column(self) -> str:
        """The column of metrics.csv."""
        return f"val_{self.name}"

    def key(self, value: float, loss: float) -> tuple[float, float]:
        """Return what is largest for the best of several: the best score and, of equal ones, the least loss."""
        return (value if self.higher else -value, -loss)

    def brief(self, value: float, *, named: bool = True) -> str:
        """Return the score with a digit less, as a headline has it: `top-1 96.7%`."""
        digits = int(self.style[1]) - 1
        said = f"{value:{self.style.replace(self.style[1], str(digits), 1)}}"
        return f"{self.words} {said}" if named else said

    def spoken(self, value: float) -> str:
        """Return the score with its name: `top-1 96.72%`."""
        return f"{self.words} {value:{self.style}}"


def _nothing(names: Sequence[str]) -> None:  # noqa: ARG001  # the signature of `suits`
    return None


@dataclass(frozen=True)
class TaskSpec:
    """A task by its name.

    Attributes:
        name: what `--task` takes.
        answers: what it answers with, in the plural: `classes`.
        score: what chooses the best epoch.
        losses: names of its training losses, the one that is taken by itself first.
        heads: kinds of heads that it can be learnt with.
        stages: what it has of that which only some tasks have.
        projects: whether the head is a projection, whose answer is the embedding.
        several: whether a photo may have several labels, each chosen by itself.
        compares: losses that compare the photos of a batch with one another, and so need it whole.
        extra: what has to be installed beside the package, to learn it: the extra's name and the module it brings.
        pipeline_tag: what the Hugging Face hub calls it; none: it has no name for it.
        suits: says of a manifest's labels, taken for classes, what would rather be learnt from them, such as
            `the 60 labels are numbers: to learn a number for each photo`; none where they do not look like that.
    """

    name: str
    answers: str
    score: Score
    losses: tuple[str, ...]
    heads: tuple[str, ...]
    stages: frozenset[Stage]
    projects: bool = False
    several: bool = False
    compares: frozenset[str] = frozenset()
    extra: tuple[str, str] | None = None
    pipeline_tag: str | None = None
    suits: Callable[[Sequence[str]], str | None] = _nothing
