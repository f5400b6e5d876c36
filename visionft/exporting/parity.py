"""The gate: the exported bundle beside the trained model, on the user's own validation photos."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from visionft.backbones import Network
from visionft.bundle import Answer
from visionft.bundle.schema import AgreementRecord, NearTie
from visionft.classes import Classes
from visionft.exporting.ood_parity import KnownTally, lowest
from visionft.exporting.parity_photos import Photo
from visionft.exporting.photo_parity import TOGETHER, WHOLE, compare_each, compare_sample
from visionft.exporting.reference_answers import Reference, Truth
from visionft.exporting.stage_parity import STAGE_PHOTOS, Answers, Progress, Stages, differs, largest, softmax

NEAR_TIE_GAP = 2e-3
"""Top-2 gap under which two labels are a coin's toss: twice the probability difference that passes."""
NEAR_TIE_SHARE = 5e-3
"""Larger shares of near ties point at a fault, not at chance."""
PROBABILITY_TOLERANCE = 1e-3
"""A level in 9 of 150,528 pixels moved a sharp ViT by 1.4e-3, so the resize has to be exact; the rest is 1e-6."""


@dataclass
class Tally:
    """What was seen so far."""

    n: int = 0
    same: int = 0
    ties: list[NearTie] = field(default_factory=list)
    wrong: list[tuple[Photo, str, str]] = field(default_factory=list)
    worst: float = 0.0
    worst_photos: list[tuple[float, Photo]] = field(default_factory=list)
    by_check: dict[str, float] = field(default_factory=dict)

    def note(self, check: str, difference: float) -> None:
        """Keep the largest difference of a check."""
        self.by_check[check] = max(self.by_check.get(check, 0.0), difference)
        self.worst = max(self.worst, difference)


def compare(
    session: Answers,
    trained: Truth,
    stages: Stages,
    photos: Iterator[Photo],
    total: int,
    on_progress: Progress | None = None,
) -> AgreementRecord:
    """Compare every photo at its own size, and the first in batches and half by half.

    Args:
        session: the bundle as its user opens it.
        trained: the trained model.
        stages: the two halves of the bundle's graph.
        photos: decoded photos of the validation split, spread over classes from the first on.
        total: how many there are at most.
        on_progress: called after every chunk.

    Raises:
        ParityError: the two differ by more than near ties and rounding; it says in which half.
    """
    tally, known = Tally(), KnownTally(lowest(trained.answering.threshold))

    def note(photo: Photo, answer: Answer, truth: Reference, place: int) -> None:
        _note_photo(tally, photo, answer, truth.probabilities[place], session.bundle.classes)
        known.note(photo.path, answer, float(truth.known_scores[place]))

    _, sample = compare_each(session, trained, photos, total, on_progress, note)
    levels = _check_sample(tally, known, session, trained, stages, sample)
    _judge(tally, stages, trained.network)
    if (fault := known.fault()) is not None:
        raise differs(f"{fault}; the end of the graph is at fault")
    return AgreementRecord(
        n=tally.n,
        agreement=tally.same / tally.n,
        max_probability_difference=tally.worst,
        max_known_score_difference=known.worst,
        max_pixel_difference=levels,
        by_check=tally.by_check,
        near_ties=tuple(tally.ties),
        unreadable=total - tally.n,
    )


def _note_photo(tally: Tally, photo: Photo, answer: Answer, truth: NDArray[np.float32], classes: Classes) -> None:
    difference = largest(answer.probabilities - truth)
    tally.note(WHOLE, difference)
    tally.n += 1
    best, chosen = int(truth.argmax()), answer.class_index
    if difference >= PROBABILITY_TOLERANCE:
        tally.worst_photos = sorted([*tally.worst_photos, (difference, photo)], key=lambda pair: -pair[0])[
            :STAGE_PHOTOS
        ]
    if best == chosen and answer.label == classes[best]:
        tally.same += 1
        return
    second, first = np.partition(truth, -2)[-2:]
    gap = float(first - second)
    if gap < NEAR_TIE_GAP and answer.label == classes[chosen]:
        tally.ties.append(NearTie(photo=photo.path, trained=classes[best], exported=answer.label, gap=gap))
    else:
        tally.wrong.append((photo, classes[best], answer.label))


def _check_sample(
    tally: Tally, known: KnownTally, session: Answers, trained: Truth, stages: Stages, sample: Sequence[Photo]
) -> float:
    """Check batches and the network half in several batch sizes; return the preprocess half's difference in levels."""

    def note(photo: Photo, answer: Answer, truth: Reference, place: int) -> None:
        tally.note(TOGETHER, largest(answer.probabilities - truth.probabilities[place]))
        known.note(photo.path, answer, float(truth.known_scores[place]))

    def note_outputs(check: str, found: NDArray[np.float32], truth: Reference) -> None:
        probabilities = softmax(found, trained.answering.temperature)
        tally.note(check, largest(probabilities - truth.probabilities))

    return compare_sample(session, trained, stages, sample, note, note_outputs)


def _judge(tally: Tally, stages: Stages, network: Network) -> None:
    # One near tie is allowed however few the photos are.
    allowed = math.ceil(NEAR_TIE_SHARE * tally.n)
    if tally.wrong:
        photo, trained, exported = tally.wrong[0]
        found = (
            f"{len(tally.wrong):,} of {tally.n:,} labels differ (first: {photo.path}, {trained!r} became {exported!r})"
        )
        suspects = [photo for photo, _, _ in tally.wrong]
    elif len(tally.ties) > allowed:
        found = f"{len(tally.ties):,} of {tally.n:,} labels differ by near ties, and {allowed:,} may"
        suspects = []
    elif tally.worst >= PROBABILITY_TOLERANCE:
        check = max(tally.by_check, key=lambda key: tally.by_check[key])
        found = f"probabilities differ by up to {tally.worst:.2g}, and {PROBABILITY_TOLERANCE} may ({check})"
        suspects = [photo for _, photo in tally.worst_photos]
    else:
        return
    stage = stages.blame([photo.image for photo in suspects[:STAGE_PHOTOS]], network)
    raise differs(f"{found}; {stage}")
