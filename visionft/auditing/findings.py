"""What an audit finds: its kinds, what each means, and one finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from visionft.data.suggestions import Suggestion


class Kind(NamedTuple):
    """One kind of finding: its `title` and what it `means`; `grave` ones make figures wrong."""

    title: str
    means: str
    grave: bool = False


KINDS = {
    "unreadable": Kind("unreadable or odd files", "fit leaves these out, for the reason that is given", True),
    "leak": Kind("one picture on several sides", "figures on the held-out side flatter the model", True),
    "product-leak": Kind("one product on several sides", "figures on the held-out side flatter the model", True),
    "two-labels": Kind("one picture under several classes", "one of the labels is wrong", True),
    "label": Kind(
        "likely label errors", "photos like these have another class, by a classifier that did not see them", True
    ),
    "placeholder": Kind("placeholder pictures", "one picture stands for many products, and teaches nothing", True),
    "copy": Kind("exact copies", "the same bytes, in one class and on one side: they only weigh more"),
    "near-duplicate": Kind("near duplicates", "the same picture, stored again or edited, in one class and on one side"),
    "collage": Kind(
        "collages", "parts of it show other photos of the set: as a leak where these lie on another side", True
    ),
    "blank": Kind("blank photos", "hardly any contrast in the whole photo", True),
    "dark": Kind("dark photos", "nearly nothing in it is lighter than a dark grey"),
    "bright": Kind("washed-out photos", "nearly nothing in it is darker than a light grey"),
    "blurred": Kind("blurred photos", "far less sharp than the other photos of the set (variance of the Laplacian)"),
    "tiny": Kind("tiny photos", "fewer pixels than a network looks at"),
    "shape": Kind("extreme shapes", "so long or so tall that a square crop shows a small part"),
    "extension": Kind(
        "endings that lie", "the file's bytes are of another format than its name says; fit reads it all the same"
    ),
    "mode": Kind("colour modes apart", "stored or coloured unlike the others; fit turns all to RGB"),
    "class-names": Kind("odd class names", "two names may be one class"),
    "small-class": Kind("classes too small", "fewer photos than can be learnt from, held out and measured"),
    "imbalance": Kind("imbalance", "the largest class has many times the photos of the smallest"),
    "alike": Kind("classes that look alike", "their photos are taken for each other, before any training"),
    "drift": Kind("drift", "photos of one side can be told from those of another by looks alone"),
}
"""Every kind, in the order in which they are shown: the gravest first."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        kind: one of `KINDS`.
        words: what it is, in a sentence or less.
        photos: paths of the photos that it is about; none: it is about classes or the whole set.
        confidence: how sure, in [0, 1].
        figure: the measured value that decided; none: there is no one value.
        suggestions: what to do.
    """

    kind: str
    words: str
    photos: tuple[str, ...] = ()
    confidence: float = 1.0
    figure: float | None = None
    suggestions: tuple[Suggestion, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kind": self.kind,
            "words": self.words,
            "photos": list(self.photos),
            "confidence": round(self.confidence, 4),
            "figure": None if self.figure is None else round(self.figure, 4),
            "suggestions": [suggestion.to_json() for suggestion in self.suggestions],
        }
