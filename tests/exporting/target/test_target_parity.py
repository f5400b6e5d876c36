"""Another onnxruntime: what it can open, and that it answers like the one here. Slow tests install it."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from packaging.version import Version

from tests.exporting.adapted import AdaptedFake
from tests.exporting.fakes import NAMES, FakeRun, rendered
from visionft.bundle import Bundle
from visionft.errors import ParityError
from visionft.exporting import Exported, export, export_adapters
from visionft.exporting.parity_photos import Photo
from visionft.exporting.target import Allowed, Runtime, Target, environment, prove
from visionft.serving import Session
from visionft.settings import ExportSettings

PHOTOS = [Photo(f"{i}.png", 0, rendered(i, 70 + 9 * i, 90 - 7 * i)) for i in range(6)]
HERE = Runtime(Target(Version(importlib.metadata.version("onnxruntime"))), Path(sys.executable))


@dataclass(frozen=True)
class Skewed(Runtime):
    """Answers as another runtime would that computes one output differently."""

    output: str
    change: Callable[[Any], Any]

    def answer(
        self, model: Path, batches: Sequence[NDArray[np.uint8]], adapter: Path | None = None
    ) -> list[dict[str, Any]]:
        found = super().answer(model, batches, adapter)
        return [{**outputs, self.output: self.change(outputs[self.output])} for outputs in found]


@pytest.mark.parametrize(
    ("output", "change", "sentence"),
    [
        ("probabilities", lambda x: x + 2e-3, r"probabilities differ by 0\.002 and 0\.001 may \(0\.png\)"),
        ("probabilities", lambda x: x * np.nan, r"probabilities differ by nan and 0\.001 may"),
        ("embedding", lambda x: x * -1, r"embedding differs by .* and 0\.01 may"),
        ("known_score", lambda x: x * 1.2 + 1, r"known_score differs by"),
        ("unknown", lambda x: ~x, r"unknown is True at a known score of"),
        ("label", lambda x: np.char.add(x, "s"), r"the label of class"),
        ("class_index", lambda x: (x + 1) % len(NAMES), r"became"),
    ],
)
def test_an_output_that_differs_is_named(
    exported: Exported, output: str, change: Callable[[Any], Any], sentence: str
) -> None:
    runtime = Skewed(HERE.target, HERE.python, output, change)
    with pytest.raises(ParityError, match=sentence) as raised:
        prove(runtime, Session(exported.bundle), PHOTOS, Allowed())
    assert "onnxruntime==" in str(raised.value)
    assert "nothing was written" in str(raised.value)


def test_every_bundle_is_of_the_oldest_format_that_holds_it(exported: Exported) -> None:
    model = Bundle.open(exported.bundle).record.model
    assert (model.opset, model.ir_version) == (20, 9)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.15.1", "1.17.3", "1.20.1"])
def test_a_bundle_for_a_target_is_proved_by_it(version: str, run: FakeRun, tmp_path: Path) -> None:
    target = Target.parse(f"onnxruntime=={version}")
    with environment(target) as runtime:
        made = export(run, tmp_path / "bundle", runtime=runtime)
    assert not runtime.python.exists()

    record = Bundle.open(made.bundle).record
    assert record.target is not None
    assert (record.target.runtime, record.target.n) == (f"onnxruntime=={version}", 18)
    assert record.target.max_probability_difference < 1e-4
    assert record.model.opset == target.opset
    assert f"under onnxruntime=={version}, 18 photos have the same answers" in str(made)
    assert f"Under onnxruntime=={version}" in (made.bundle / "README.md").read_text(encoding="utf-8")
    assert json.loads(json.dumps(made.to_json()))["target"]["runtime"] == f"onnxruntime=={version}"


@pytest.mark.slow
def test_a_shrunken_bundle_for_a_target_is_proved_by_it(run: FakeRun, tmp_path: Path) -> None:
    with environment(Target.parse("onnxruntime==1.17.3")) as runtime:
        made = export(
            run, tmp_path / "bundle", ExportSettings(precision="fp16", max_loss=100.0, allow="slower"), runtime=runtime
        )
    assert made.target is not None
    assert made.shrunken is not None


@pytest.mark.slow
def test_adapters_for_a_target_are_proved_by_it(low_rank: dict[str, AdaptedFake], tmp_path: Path) -> None:
    with environment(Target.parse("onnxruntime==1.20.1")) as runtime:
        made = export_adapters(low_rank, tmp_path / "bundle", runtime=runtime)
    assert made.target is not None
    assert made.target.n == sum(6 * len(run.names) for run in low_rank.values())
    assert made.target.max_probability_difference < 1e-4
