"""What a person is asked about one photo, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of doubt: its `title`, and what it `means`."""

    title: str
    means: str


KINDS = {
    "label": Kind("likely label errors", "another class is far more probable, by a model that did not see the photo"),
    "confused": Kind("confused pairs", "answered as another class; the pairs that are confused most often come first"),
    "loss": Kind("highest losses", "answered rightly, and with little probability"),
    "duplicate": Kind("near duplicates", "the same picture is there again"),
    "fault": Kind("faulty photos", "blank, dark, blurred, tiny or a placeholder"),
    "rest": Kind("all other photos", "nothing speaks against them"),
}
"""Every kind, in the order in which it is asked about."""
REST = "rest"


@dataclass(frozen=True)
class Doubt:
    """One reason to look at a photo.

    Attributes:
        path: of the photo.
        kind: one of `KINDS`.
        worth: among doubts of the kind the largest is asked about first; compared from the left.
        why: in words.
        proposed: the class that it may have; empty: none is proposed.
        sure: probability of that class, in [0, 1]; None: nobody knows.
        other: path of another photo that shows why; empty: none.
    """

    path: str
    kind: str
    worth: tuple[float, ...]
    why: str
    proposed: str = ""
    sure: float | None = None
    other: str = ""


@dataclass(frozen=True)
class Card:
    """One photo of the queue.

    Attributes:
        number: its place in the queue, from 0.
        path: of the photo.
        label: its class.
        kind: of the gravest doubt.
        why: the doubts in words, the gravest first.
        proposed: the class that it may have; empty: none is proposed.
        sure: probability of that class, in [0, 1]; None: nobody knows.
        other: place in the queue of another photo that shows why; None: none.
    """

    number: int
    path: str
    label: str
    kind: str = REST
    why: tuple[str, ...] = ()
    proposed: str = ""
    sure: float | None = None
    other: int | None = None
