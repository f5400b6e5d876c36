"""calibration.json: the threshold keeps its promise, and what is damaged is said."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.resealing import reseal
from visionft.errors import RunError
from visionft.metrics import unit
from visionft.runs import Run, layout
from visionft.runs.calibration_file import SCORES_KEPT, Calibration, conformal


def fitted(n: int) -> Calibration:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, n)
    logits = (generator.normal(size=(n, 3)) + 2 * np.eye(3)[labels]).astype(np.float32)
    embeddings = unit(generator.normal(size=(n, 8)))
    return Calibration.fit(logits, embeddings, labels, unit(generator.normal(size=(3, 8))))


def test_the_threshold_by_hand() -> None:
    scores = [float(i) for i in range(1, 20)]
    assert conformal(scores, 0.95) == 1.0
    assert conformal(scores, 0.9) == 2.0
    assert conformal(scores[:18], 0.95) is None
    assert conformal([], 0.5) is None


@pytest.mark.parametrize(("n", "accepted"), [(19, 0.95), (60, 0.9), (341, 0.95)])
def test_the_share_that_was_asked_for_is_accepted_on_average(n: int, accepted: float) -> None:
    draws = np.sort(np.random.default_rng(0).normal(size=(4000, n)), axis=1)
    thresholds = np.array([conformal(draw.tolist(), accepted) for draw in draws])
    passed = np.random.default_rng(1).normal(size=(4000, 50)) >= thresholds[:, None]
    assert accepted - 0.005 < passed.mean() < accepted + 1 / (n + 1) + 0.005


def test_it_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    before = fitted(80)
    before.write(tmp_path)
    after = Calibration.read(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"calibration.json", "class_means.safetensors"}
    assert (after.temperature, after.known_scores) == (before.temperature, before.known_scores)
    assert (after.scale.logit, after.scale.cosine) == (before.scale.logit, before.scale.cosine)
    assert after.scale.means is not None
    np.testing.assert_array_equal(after.scale.means, before.scale.means)
    assert after.answering(0.9).threshold == before.answering(0.9).threshold
    assert after.answering(None).threshold is None


def test_many_scores_are_thinned_without_moving_the_threshold() -> None:
    many = fitted(30_000)
    assert len(many.known_scores) == SCORES_KEPT
    assert list(many.known_scores) == sorted(many.known_scores)
    below = np.mean(np.asarray(fitted(30_000).known_scores) < (many.answering(0.95).threshold or 0))
    assert below == pytest.approx(0.05, abs=0.001)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (layout.CALIBRATION, b"{"),
        (layout.CALIBRATION, b"{}"),
        (layout.CALIBRATION, None),
        (layout.CLASS_MEANS, b"no tensors"),
        (layout.CLASS_MEANS, None),
    ],
)
def test_a_damaged_or_missing_file(trained: Path, tmp_path: Path, name: str, content: bytes | None) -> None:
    copy = shutil.copytree(trained, tmp_path / "run")
    if content is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(content)
    with pytest.raises(RunError, match=rf"{re.escape(name)} is damaged \(.*\); restore it from a copy, or train again"):
        Run.open(copy).answering()


@pytest.mark.parametrize("temperature", [0, -1, "warm", float("nan")])
def test_a_temperature_that_is_none(trained: Path, tmp_path: Path, temperature: object) -> None:
    copy = shutil.copytree(trained, tmp_path / "run")
    record = json.loads((copy / layout.CALIBRATION).read_text())
    (copy / layout.CALIBRATION).write_text(json.dumps({**record, "temperature": temperature}))
    words = r"its temperature is (0\.0|-1\.0|nan)|could not convert string to float: 'warm'"
    with pytest.raises(RunError, match=rf"calibration\.json is damaged \(({words})\)"):
        Run.open(reseal(copy)).answering()
