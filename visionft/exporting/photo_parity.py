"""The exported model beside the trained one, photo by photo and on a sample; what is compared is the task's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.errors import ParityError
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Answerer, Reference, Truth
from visionft.exporting.stage_parity import (
    STAGE_PHOTOS,
    Answers,
    Progress,
    Stages,
    answered,
    blamed,
    chunks,
    differs,
    largest,
    with_mirrored,
)

WHOLE, TOGETHER = "each photo at its own size", "photos of one size in batches"
"""What is checked, in words; the checks of the network half have words of their own."""

Note = Callable[[Photo, Any, Reference, int], None]
"""Called with a photo, its answer, and what the trained model says of several, at this place."""
NoteOutputs = Callable[[str, NDArray[np.float32], Reference], None]
"""Called with a check of the network half, its raw outputs (n, K), and what the trained model says of the same n."""


@dataclass
class Worst:
    """The largest difference of every check so far.

    Attributes:
        by_check: the largest by what was checked.
        first: the largest of a photo at its own size, and the photo's path.
    """

    by_check: dict[str, float] = field(default_factory=dict)
    first: tuple[float, str] = (0.0, "")

    def note(self, check: str, found: NDArray[np.floating], wanted: NDArray[np.floating], path: str = "") -> None:
        """Keep the largest difference of two arrays of one shape; not-a-number counts as infinite."""
        difference = largest(found - wanted)
        self.by_check[check] = max(self.by_check.get(check, 0.0), difference)
        if check == WHOLE:
            self.first = max(self.first, (difference, path))

    @property
    def largest(self) -> float:
        """The largest difference of all checks."""
        return max(self.by_check.values())

    def require(self, what: str, allowed: float, levels: float) -> None:
        """Raise ParityError where something is off by `allowed` or more, with the check and the half that is to blame.

        Args:
            what: was compared, in the plural.
            allowed: what every difference has to stay below.
            levels: difference of the preprocess half.
        """
        if self.largest < allowed:
            return
        check = max(self.by_check, key=lambda name: self.by_check[name])
        where = f", first {self.first[1]}" if check == WHOLE else ""
        raise differs(
            f"{what} differ by up to {self.largest:.2g}, and {allowed:.2g} may ({check}{where}); {blamed(levels)}"
        )


def compare_each(
    session: Answers, trained: Answerer, photos: Iterator[Photo], total: int, on_progress: Progress | None, note: Note
) -> tuple[int, list[Photo]]:
    """Let the bundle and the trained model answer every photo at its own size.

    Args:
        session: the bundle as its user opens it.
        trained: the trained model.
        photos: decoded photos of the validation split.
        total: how many there are at most.
        on_progress: called after every chunk.
        note: keeps what is apart.

    Returns:
        Photos compared, and the first of them, for the further checks.

    Raises:
        ParityError: there is none, or the exported model fails on one.
    """
    done, sample = 0, list[Photo]()
    for chunk in chunks(photos):
        truth = trained.of([photo.image for photo in chunk])
        for place, photo in enumerate(chunk):
            note(photo, answered(session, photo), truth, place)
        done += len(chunk)
        sample += chunk[: max(0, STAGE_PHOTOS - len(sample))]
        if on_progress is not None:
            on_progress("checking", done, total)
    if not done:
        raise ParityError(
            "there is no readable validation photo to check the exported model on: bring the photos back, or name the "
            "place that they moved to with --data"
        )
    return done, sample


def compare_sample(
    session: Answers, trained: Truth, stages: Stages, sample: Sequence[Photo], note: Note, note_outputs: NoteOutputs
) -> float:
    """Let both answer photos and their mirror images in batches, and the network half in batches of several sizes.

    Args:
        session: the bundle as its user opens it.
        trained: the trained model.
        stages: the two halves of the bundle's graph.
        sample: photos.
        note: keeps what is apart of an answer that was given in a batch.
        note_outputs: keeps what is apart of the network half.

    Returns:
        The preprocess half's difference, in levels.
    """
    images = [photo.image for photo in sample]
    pairs = with_mirrored(images)
    truth = trained.of(pairs)
    for place, answer in enumerate(session.answer_batch(pairs)):
        note(sample[place // 2], answer, truth, place)
    for check, found in stages.batches(truth.pixels):
        note_outputs(check, found, truth)
    return stages.pixel_difference(images)
