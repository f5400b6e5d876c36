"""Each head has a temperature of its own; probabilities of a head sum to 1; a head that stays keeps its temperature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from visionft.errors import RunError
from visionft.metrics.temperature import fit_temperature
from visionft.runs import layout
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_temperatures import HeadPostprocess, HeadTemperatures

HEADS = Heads(["a=x", "a=y", "b=u", "b=v", "b=w"])
RANDOM = np.random.default_rng(0)
LOGITS = (RANDOM.normal(size=(200, 5)) * 8).astype(np.float32)
LABELS = np.stack([RANDOM.integers(0, 2, 200), np.where(np.arange(200) % 3, RANDOM.integers(0, 3, 200), -1)], 1)


def test_each_head_is_calibrated_on_the_photos_that_know_it() -> None:
    found = HeadTemperatures.fit(HEADS, LOGITS, LABELS)
    known = LABELS[:, 1] >= 0
    assert found.values["a"] == fit_temperature(LOGITS[:, :2], LABELS[:, 0]).temperature > 1
    assert found.values["b"] == fit_temperature(LOGITS[known, 2:], LABELS[known, 1]).temperature > 1
    probabilities = found.answering().probabilities(LOGITS)
    assert probabilities[:, :2].sum(1) == pytest.approx(np.ones(200), abs=1e-6)
    assert probabilities[:, 2:].sum(1) == pytest.approx(np.ones(200), abs=1e-6)


def test_another_head_changes_no_bit_of_one() -> None:
    alone = HeadPostprocess.by(Heads(HEADS.classes[:2]), {"a": 1.7}).probabilities(LOGITS[:, :2])
    both = HeadPostprocess.by(HEADS, {"a": 1.7, "b": 0.4}).probabilities(LOGITS)
    assert alone.tobytes() == np.ascontiguousarray(both[:, :2]).tobytes()


def test_given_temperatures_are_kept_and_said() -> None:
    found = HeadTemperatures.fit(HEADS, LOGITS, LABELS, {"a": 1.25})
    assert found.values["a"] == 1.25
    assert "a 1.250 (of the earlier run), b " in found.sentence()


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = HeadTemperatures.fit(HEADS, LOGITS, LABELS, {"a": 1.25})
    found.write(tmp_path)
    again = HeadTemperatures.read(tmp_path, HEADS)
    assert (again.values, again.kept) == (found.values, found.kept)
    file = tmp_path / layout.CALIBRATION
    file.write_text(json.dumps({"temperatures": {"a": 0, "b": 1}}))
    with pytest.raises(RunError, match=r"calibration\.json"):
        HeadTemperatures.read(tmp_path, HEADS)
    assert HeadTemperatures.plain(HEADS).values == {"a": 1.0, "b": 1.0}
