"""A shrunken model beside the trained one on validation photos: labels, scores, and what is fitted to them anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle.names import EMBEDDING, IMAGE, LOGITS, PIXELS
from visionft.bundle.quantization_record import FlipsRecord
from visionft.bundle.schema import AgreementRecord, NearTie
from visionft.classes import Classes
from visionft.errors import ParityError
from visionft.exporting.parity import PROBABILITY_TOLERANCE
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Reference, Truth
from visionft.exporting.stage_parity import CHUNK, LEVELS_ALLOWED, STAGE_PHOTOS, Answers, Progress, chunks
from visionft.metrics import Flips, Postprocess
from visionft.preprocess import Preprocess
from visionft.runs.calibration_file import Calibration
from visionft.serving.onnx_session import open_model

ALONE, BATCHED = "each photo alone", "in batches of 32"
NOISE = 2.0**-23
"""Relative: the last bit of a float32. Other machines round the input of the network so, and int8 magnifies it."""
DRAWS = 4
"""Draws of such noise for each golden photo."""


@dataclass(frozen=True, eq=False)
class QuantizedModel:
    """A shrunken model, asked for its answers.

    Attributes:
        session: over the whole graph.
        core: a session over the part that was shrunken.
        preprocess: the evaluation transform.
        answering: the rule from logits to answers.
    """

    session: ort.InferenceSession
    core: ort.InferenceSession
    preprocess: Preprocess
    answering: Postprocess

    @classmethod
    def of_models(cls, whole: ModelProto, core: ModelProto, trained: Truth) -> QuantizedModel:
        """Open both; the rule is the trained model's."""
        one, two = (open_model(model.SerializeToString()) for model in (whole, core))
        return cls(one, two, trained.preprocess, trained.answering)

    def of(self, images: Sequence[NDArray[np.uint8]]) -> Reference:
        """Answer photos, each (H, W, 3) uint8 RGB and each alone: in a batch a dynamic recipe answers otherwise."""
        found = [self.session.run([LOGITS, EMBEDDING], {IMAGE: image[None]}) for image in images]
        logits, embeddings = (np.concatenate(column) for column in zip(*found, strict=True))
        pixels = np.stack([self.preprocess.tensor(image) for image in images])
        rule = self.answering
        return Reference(logits, embeddings, rule.probabilities(logits), rule.known(logits, embeddings), pixels)

    def batched(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n, C) of a batch of (n, 3, h, w)."""
        logits: NDArray[np.float32] = self.core.run([LOGITS], {PIXELS: pixels})[0]
        return logits


@dataclass(frozen=True, eq=False)
class Judged:
    """Answers to the same n validation photos.

    Attributes:
        labels: (n,) class indices.
        paths: of the photos.
        trained: the trained model's answers, without their pixels.
        alone: the shrunken model's, each photo alone, without their pixels.
        batched: (n, C) its logits in batches of 32.
    """

    labels: NDArray[np.int64]
    paths: tuple[str, ...]
    trained: Reference
    alone: Reference
    batched: NDArray[np.float32]

    def flips(self) -> tuple[FlipsRecord, ...]:
        """Return how many photos are right in one of the two alone, by how they were given."""
        before = self.trained.logits.argmax(1) == self.labels
        given = ((ALONE, self.alone.logits), (BATCHED, self.batched))
        return tuple(_flips(name, Flips.of(before, logits.argmax(1) == self.labels)) for name, logits in given)

    def refit(self, answering: Postprocess, accepted: float | None) -> Postprocess:
        """Fit temperature, known score and threshold to the shrunken model's own answers.

        Its logits and cosines are other numbers than the trained model's. The threshold keeps its promise of known
        photos only as a score of this model among its own (arXiv 1604.04173); class means are directions and stay.
        A run without calibration stays without.
        """
        means = answering.scale.means
        if means is None:
            return answering
        fitted = Calibration.fit(self.alone.logits, self.alone.embeddings, self.labels, means)
        return fitted.answering(accepted)

    def agreement(self, answering: Postprocess, classes: Classes, levels: float, unreadable: int) -> AgreementRecord:
        """Return the record beside the trained model, probabilities by the rule that was fitted anew."""
        truth, found = self.trained.logits.argmax(1), self.alone.logits.argmax(1)
        given = ((ALONE, self.alone.logits), (BATCHED, self.batched))
        by_check = {
            name: float(np.abs(answering.probabilities(logits) - self.trained.probabilities).max())
            for name, logits in given
        }
        scores = answering.known(self.alone.logits, self.alone.embeddings)
        return AgreementRecord(
            n=len(truth),
            agreement=float((truth == found).mean()),
            max_probability_difference=max(by_check.values()),
            max_known_score_difference=float(np.abs(scores - self.trained.known_scores).max()),
            max_pixel_difference=levels,
            by_check=by_check,
            near_ties=tuple(self._differing(classes, truth, found)),
            unreadable=unreadable,
        )

    def _differing(self, classes: Classes, truth: NDArray[np.int64], found: NDArray[np.int64]) -> Iterator[NearTie]:
        for i in np.flatnonzero(truth != found):
            second, first = np.partition(self.trained.probabilities[i], -2)[-2:]
            yield NearTie(
                photo=self.paths[i],
                trained=classes[int(truth[i])],
                exported=classes[int(found[i])],
                gap=float(first - second),
            )


def judge(
    shrunken: QuantizedModel, trained: Truth, photos: Iterator[Photo], total: int, on_progress: Progress | None = None
) -> Judged:
    """Answer validation photos with both.

    Raises:
        ParityError: no photo can be read.
    """
    seen, references, alone, batched = list[Photo](), list[Reference](), list[Reference](), list[NDArray[np.float32]]()
    for chunk in chunks(photos):
        images = [photo.image for photo in chunk]
        truth = trained.of(images)
        batched.append(shrunken.batched(truth.pixels))
        references.append(_bare(truth))
        alone.append(_bare(shrunken.of(images)))
        seen += [replace(photo, image=photo.image[:0]) for photo in chunk]
        if on_progress is not None:
            on_progress("checking", len(seen), total)
    if not seen:
        raise ParityError(
            "there is no readable validation photo to check the exported model on: bring the photos back, or name the "
            "place that they moved to with --data"
        )
    labels = np.array([photo.label for photo in seen], np.int64)
    paths = tuple(photo.path for photo in seen)
    return Judged(labels, paths, _joined(references), _joined(alone), np.concatenate(batched))


def check_end(session: Answers, shrunken: QuantizedModel, photos: Sequence[Photo], levels: float) -> None:
    """Check that the bundle answers as was measured: the same core, the same pixels, the end fitted anew.

    Args:
        session: the bundle as its user opens it.
        shrunken: what was measured, with the rule that was fitted anew.
        photos: at most `STAGE_PHOTOS` are asked.
        levels: difference of the preprocess half from its reference.

    Raises:
        ParityError: they differ.
    """
    images = [photo.image for photo in photos[:STAGE_PHOTOS]]
    truth = shrunken.of(images)
    answers = [session.answer(image) for image in images]
    off = max(float(np.abs(a.probabilities - p).max()) for a, p in zip(answers, truth.probabilities, strict=True))
    scores = max(abs(a.known_score - s) for a, s in zip(answers, truth.known_scores.tolist(), strict=True))
    if off < PROBABILITY_TOLERANCE and scores < 10 * PROBABILITY_TOLERANCE and levels <= LEVELS_ALLOWED:
        return
    raise ParityError(
        f"the shrunken bundle does not answer as was measured: probabilities differ by {off:.2g}, known scores by "
        f"{scores:.2g}, pixels by {levels:.2g} of 255 levels; nothing was written: give --precision fp32"
    )


def tolerances(shrunken: QuantizedModel, photos: Sequence[Photo], seed: int = 0) -> dict[str, float]:
    """Return what golden vectors must allow for: twice what noise in the last bit of the pixels was seen to do."""
    rng, off = np.random.default_rng(seed), {"tolerance": 1e-3, "score_tolerance": 1e-2}
    names = [LOGITS, *(value.name for value in shrunken.core.get_outputs() if len(value.shape) == 2)]
    for photo in photos:
        pixels = shrunken.preprocess.tensor(photo.image)[None]
        first = shrunken.core.run(names, {PIXELS: pixels})
        for _ in range(DRAWS):
            noisy = (pixels * (1 + NOISE * rng.choice([-1.0, 1.0], pixels.shape))).astype(np.float32)
            second = shrunken.core.run(names, {PIXELS: noisy})
            rule = shrunken.answering
            moved = float(np.abs(rule.probabilities(first[0]) - rule.probabilities(second[0])).max())
            off["tolerance"] = max(off["tolerance"], 2 * moved)
            scores = max(_relative(a, b) for a, b in zip(first, second, strict=True))
            off["score_tolerance"] = max(off["score_tolerance"], 2 * scores)
    return {name: min(1.0, float(f"{value:.2g}")) for name, value in off.items()}


def _relative(one: NDArray[np.float32], two: NDArray[np.float32]) -> float:
    return float(np.abs(one - two).max() / max(1e-12, float(np.abs(one).max())))


def _bare(reference: Reference) -> Reference:
    return replace(reference, pixels=reference.pixels[:0])


def _joined(parts: Sequence[Reference]) -> Reference:
    names = ("logits", "embeddings", "probabilities", "known_scores", "pixels")
    return Reference(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _flips(given: str, flips: Flips) -> FlipsRecord:
    return FlipsRecord.model_validate(
        {"given": given, "lost": flips.lost, "gained": flips.gained, "n": flips.n, "loss": flips.loss}
        | {"upper": flips.upper()}
    )


assert CHUNK == 32, "the batches that are judged are the chunks"
