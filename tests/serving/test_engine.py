"""A bundle in two halves: pixels one by one, answers in batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.bundle.making import colour_model, make_adapted_bundle, make_bundle
from visionft.bundle import Bundle
from visionft.classes import Classes
from visionft.errors import BundleError
from visionft.serving import Session
from visionft.serving.engine import Engine

PHOTOS = [np.full((5 + n, 9, 3), 60 * n, np.uint8) for n in range(3)]


def test_the_halves_answer_as_the_whole_does_alone_and_in_a_batch(tmp_path: Path) -> None:
    place = make_bundle(tmp_path / "b")
    engine, session = Engine(Bundle.open(place), threads=1), Session(place)
    pixels = [engine.pixels(photo) for photo in PHOTOS]
    assert [one.shape for one in pixels] == [(3, 8, 8)] * 3
    for photo, answer in zip(PHOTOS, engine.answer(pixels), strict=True):
        truth = session.answer(photo)
        assert (answer.label, answer.unknown) == (truth.label, truth.unknown)
        np.testing.assert_array_equal(answer.logits, truth.logits)
    assert (engine.provider, engine.mixes) == ("cpu", False)


def test_each_adapter_answers_by_its_own_classes(tmp_path: Path) -> None:
    place = make_adapted_bundle(tmp_path / "b")
    engine, session = Engine(Bundle.open(place), threads=1), Session(place)
    for name in ("three", "two"):
        [answer] = engine.answer([engine.pixels(PHOTOS[2])], name)
        assert answer.label == session.answer(PHOTOS[2], name).label


def test_a_network_that_is_stopped_ends_its_runs_early(tmp_path: Path) -> None:
    engine = Engine(Bundle.open(make_bundle(tmp_path / "b")), threads=1)
    pixels = [engine.pixels(PHOTOS[0])]
    engine.stop()
    with pytest.raises(Exception, match=r"(?i)terminat"):
        engine.answer(pixels)


def test_a_model_that_names_other_classes_is_refused_before_it_serves(tmp_path: Path) -> None:
    place = make_bundle(tmp_path / "b")
    bundle = Bundle.open(place)
    model = colour_model(Classes.of(["a", "b", "c"]))
    for entry in model.metadata_props:
        if entry.key == "visionft.classes_hash":
            entry.value = bundle.record.classes_hash
    (place / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BundleError, match=r"answers other classes than bundle\.json names: copy the bundle again"):
        Engine(bundle, threads=1)
