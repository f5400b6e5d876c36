"""From a fitted run to its bundle: one temperature, one score, one threshold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visionft as vft
from tests.resealing import reseal
from visionft.backbones import forward_batches
from visionft.bundle import Bundle
from visionft.data import EvalPhotos, eval_batches
from visionft.finishing.calibrate import MEAN_PHOTOS, sample
from visionft.metrics import fit_temperature
from visionft.runs import Run, layout


def test_the_sample_is_random_and_has_enough_of_every_class() -> None:
    labels = np.repeat([0, 1, 2, 3], [1000, 500, 40, 3])

    chosen, drawn = sample(labels, 200, seed=3)

    assert (np.diff(chosen) > 0).all()
    assert drawn.sum() == 200
    counts = np.bincount(labels[chosen], minlength=4)
    assert (counts >= np.minimum(MEAN_PHOTOS, [1000, 500, 40, 3])).all()
    assert len(chosen) <= 200 + 4 * MEAN_PHOTOS
    again, _ = sample(labels, 200, seed=3)
    np.testing.assert_array_equal(chosen, again)


def test_the_random_part_is_the_whole_where_there_are_few() -> None:
    chosen, drawn = sample(np.arange(9) % 3, 500, seed=0)

    assert chosen.tolist() == list(range(9))
    assert drawn.all()


@pytest.fixture(scope="module")
def photos(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shapes and their mirror images, 120 photos."""
    root = tmp_path_factory.mktemp("many") / "photos"
    for path in shapes.glob("*/*.jpg"):
        target = root / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        with Image.open(path) as picture:
            picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(target.with_suffix(".png"))
    return root


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def run(photos: Path, small: dict[str, Any], said: list[str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("fitted") / "run"
    return vft.fit(photos, out=place, say=said.append, **{**small, "data.validation": 0.5, "epochs": 8})


@pytest.fixture(scope="module")
def bundle(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.open(vft.export(run, tmp_path_factory.mktemp("bundled") / "bundle").bundle)


def test_the_temperature_is_that_of_the_validation_photos(run: Run, said: list[str]) -> None:
    rows = run.manifest().rows("validation")
    assert len(rows) >= 50
    batches = eval_batches(EvalPhotos(rows, run.manifest().root, run.preprocess), 16, 0)
    outputs = forward_batches(run.network(), batches, run.preprocess, device="cpu", want=("logits",))

    expected = fit_temperature(outputs["logits"], outputs["labels"]).temperature

    answering = run.answering()
    assert answering.temperature == pytest.approx(expected, rel=1e-3)
    assert answering.temperature != 1
    line = next(line for line in said if line.startswith("calibration: "))
    assert answering.threshold is not None
    assert line.splitlines() == [
        f"calibration: temperature {answering.temperature:.3f} fitted to {len(rows)} validation photos",
        f"an export answers as unknown: those with a known score below {answering.threshold:.2f}, as 5% of photos of "
        "these classes have",
    ]


def test_evaluation_tells_both_sides_of_it(run: Run) -> None:
    told = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())

    assert told["temperature"] == run.answering().temperature == run.result["val"]["temperature"]
    assert set(told["uncalibrated"]) == {"log_loss", "ece", "ece_interval"}
    assert run.result["val"]["log_loss"] <= run.result["val"]["uncalibrated"]["log_loss"]


def test_the_threshold_leaves_one_in_twenty_validation_photos_below(run: Run) -> None:
    rows = run.manifest().rows("validation")
    answers = vft.predict(run, [run.manifest().root / path for path in rows.paths])

    place = int(0.05 * (len(rows) + 1))
    scores = sorted(answer.known_score for answer in answers)
    assert run.answering().threshold == pytest.approx(scores[place - 1], abs=1e-3)
    assert place - 1 <= sum(answer.unknown for answer in answers) <= place


def test_run_and_bundle_say_the_same(run: Run, bundle: Bundle, photos: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)).save(odd)
    by_run, by_bundle = (vft.predict(model, [photos / "disc", odd]) for model in (run, bundle.path))

    assert bundle.temperature == run.answering().temperature
    assert (bundle.threshold, bundle.record.accepted) == (run.answering().threshold, 0.95)
    for mine, theirs in zip(by_run, by_bundle, strict=True):
        assert mine.known_score == pytest.approx(theirs.known_score, abs=1e-2)
        assert abs(mine.known_score - bundle.threshold) < 1e-2 or mine.unknown == theirs.unknown
        np.testing.assert_allclose(mine.probabilities, theirs.probabilities, atol=1e-3)
    assert len({round(row.known_score, 2) for row in by_run}) > 10


def test_bundle_and_card_hold_the_figures(run: Run, bundle: Bundle, photos: Path) -> None:
    card = (bundle.path / "README.md").read_text(encoding="utf-8")
    test = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())

    assert bundle.figures["test"]["uncalibrated"] == test["uncalibrated"]  # type: ignore[index, call-overload]
    for name in ("test", "training: val"):
        assert f"- {name}: calibration error " in card
    assert f"{test['uncalibrated']['ece']:.1%} (" in card
    assert f"log-loss {test['uncalibrated']['log_loss']:.4f} before and {test['log_loss']:.4f} after." in card
    assert f"is below {bundle.threshold:.4g}. By the validation photos that accepts 95.0% of photos" in card
    by_run, by_bundle = (vft.evaluate(model, data=photos).metrics for model in (run, bundle.path))
    assert by_bundle.temperature == by_run.temperature
    assert by_bundle.ece == pytest.approx(by_run.ece, abs=1e-3)


def test_a_run_older_than_calibration_still_serves(run: Run, tmp_path: Path) -> None:
    old = shutil.copytree(run.path, tmp_path / "old")
    for name in (layout.CALIBRATION, layout.CLASS_MEANS):
        (old / name).unlink()
    result = json.loads((old / layout.RESULT).read_text())
    del result["val"]["temperature"], result["val"]["uncalibrated"]
    (old / layout.RESULT).write_text(json.dumps(result))
    reseal(old)

    # The copied figures are those of the temperature that is gone: the card must not show them.
    exported, evaluation = vft.export(old, tmp_path / "bundle", golden="none"), vft.evaluate(old)

    before = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())["uncalibrated"]
    assert evaluation.metrics.log_loss == pytest.approx(before["log_loss"], abs=1e-6)
    assert evaluation.metrics.uncalibrated is None
    opened = Bundle.open(exported.bundle)
    assert (opened.temperature, opened.record.threshold, opened.record.accepted) == (1.0, None, None)
    card = (opened.path / "README.md").read_text(encoding="utf-8")
    assert "temperature 1: none was fitted." in card
    assert "calibration error " not in card.split("## Probabilities")[1]
    photo = run.manifest().root / run.manifest().rows("test").paths[0]
    (answer,), (served,) = vft.predict(old, photo), vft.predict(opened.path, photo)
    assert (answer.unknown, served.unknown) == (False, False)
    assert answer.known_score == pytest.approx(served.known_score, abs=1e-3)


def test_too_few_validation_photos_are_said(trained: Path) -> None:
    from visionft.finishing.calibrate import sentence_of

    calibration = Run.open(trained).calibration
    assert calibration is not None
    n = calibration.temperature.photos
    fitted, unknown = sentence_of(calibration).splitlines()
    assert fitted == f"calibration: temperature 1: {n} validation photos are too few to fit one, 50 are needed"
    assert unknown == "an export answers as unknown: none, for want of photos to set a threshold by"
