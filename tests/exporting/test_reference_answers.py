"""The trained model's own answers, which every exported one is compared with."""

from __future__ import annotations

import numpy as np
import torch

from tests.exporting.fakes import FakeRun, rendered
from visionft.exporting import reference_answers
from visionft.exporting.reference_answers import PIECE, Truth
from visionft.metrics import Postprocess, softmax

PHOTOS = [rendered(seed, 60 + seed, 90) for seed in range(PIECE + 3)]


def test_answers_are_those_of_the_eager_network_on_the_exact_transform(run: FakeRun) -> None:
    found = Truth(run.trained, run.preprocess, Postprocess.plain()).of(PHOTOS)
    pixels = np.stack([run.preprocess.tensor(photo) for photo in PHOTOS])
    with torch.inference_mode():
        features = run.trained.embed(torch.from_numpy(pixels))
        logits = run.trained.head(features).numpy()
    np.testing.assert_array_equal(found.pixels, pixels)
    np.testing.assert_allclose(found.logits, logits, atol=1e-4)
    np.testing.assert_allclose(found.probabilities, softmax(logits), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(found.known_scores, logits.max(1), atol=1e-4)


def test_a_photo_has_one_answer_alone_and_among_others(run: FakeRun) -> None:
    truth = Truth(run.trained, run.preprocess, run.answering(0.9))
    many, alone = truth.of(PHOTOS), truth.of(PHOTOS[-1:])
    for name in ("logits", "embeddings", "probabilities", "known_scores"):
        np.testing.assert_allclose(getattr(many, name)[-1:], getattr(alone, name), atol=1e-4)
    assert reference_answers.PIECE == 8
