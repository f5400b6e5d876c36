"""The whole way from a run to a bundle in a smaller precision; times are given, so that no machine decides a test."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.exporting.fakes import FakeRun
from tests.exporting.quantization.timing import known_times, timed
from visionft.bundle import Bundle
from visionft.errors import DataError, ParityError, PrecisionError, SettingsError
from visionft.exporting import Exported, export
from visionft.exporting.onnx_model import halves
from visionft.exporting.quantization import quantize as shrinking
from visionft.exporting.quantization import recipe_search
from visionft.serving import Session, predict
from visionft.settings import ExportSettings, build_export

CHECK = Path(__file__).resolve().parents[3] / "export" / "check.py"


pytestmark = pytest.mark.usefixtures("times_are_known")


@pytest.fixture(scope="module")
def small(run: FakeRun, built: onnx.ModelProto, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return a bundle in int8 that no test may change."""
    with known_times() as patch:
        patch.setattr("visionft.exporting.export_bundle.build", lambda *_: copy.deepcopy(built))
        return export(
            run, tmp_path_factory.mktemp("small") / "b", ExportSettings(accept=0.8, precision="int8", max_loss=60)
        )


def test_the_record_says_how_it_was_made_and_judged(small: Exported, built: onnx.ModelProto) -> None:
    record = Bundle.open(small.bundle).record
    shrunken = record.shrunken

    assert record.model.precision == "int8"
    assert shrunken is not None
    assert shrunken == small.shrunken
    assert shrunken.recipe.startswith("static int8, weights per channel, ranges from 9 training photos")
    assert [flips.given for flips in shrunken.flips] == ["each photo alone", "in batches of 32"]
    assert all(flips.n == 18 and flips.upper * 100 < 60 for flips in shrunken.flips)
    assert [(speed.part, speed.batch, speed.ratio) for speed in shrunken.speeds] == [
        ("network", 1, 1.5), ("network", 32, 1.5), ("whole", 1, 1.5)
    ]  # fmt: skip
    assert record.model.bytes < shrunken.bytes_fp32
    assert (shrunken.allowed, shrunken.refitted, shrunken.max_loss) == ((), True, 60)
    assert record.agreement is not None
    assert record.agreement.agreement == small.agreement >= 0.5
    assert len(record.agreement.near_ties) == round((1 - small.agreement) * 18)
    line = json.loads(json.dumps(small.to_json()))
    assert line["shrunken"]["recipe"] == shrunken.recipe
    assert "1.50 times as fast as fp32" in str(small)
    card = (small.bundle / "README.md").read_text(encoding="utf-8")
    assert "## Made smaller" in card
    assert "processors without VNNI" in card


def test_golden_answers_are_the_shrunken_model_s_own(small: Exported) -> None:
    told = subprocess.run([sys.executable, str(CHECK), str(small.bundle)], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout.strip()) == (0, f"{small.bundle} conforms: 8 golden photos")
    expected = json.loads((small.bundle / "golden" / "expected.json").read_text(encoding="utf-8"))
    record = Bundle.open(small.bundle).record.golden
    assert (expected["tolerance"], expected["score_tolerance"]) == (record.tolerance, record.score_tolerance)
    session = Session(small.bundle)
    for row in expected["photos"]:
        answer = session.answer(np.load(small.bundle / "golden" / row["pixels"]))
        np.testing.assert_allclose(answer.logits, row["logits"], atol=1e-5)


def test_the_preprocess_half_is_the_one_of_fp32(small: Exported, built: onnx.ModelProto, run: FakeRun) -> None:
    front, _ = halves(onnx.load(small.bundle / "model.onnx"))
    wanted, _ = halves(built)
    assert front.graph.node == wanted.graph.node
    assert sorted(map(str, front.graph.initializer)) == sorted(map(str, wanted.graph.initializer))


def test_the_threshold_is_a_score_of_the_shrunken_model(small: Exported, run: FakeRun) -> None:
    """Of 18 validation photos the third-lowest score is the threshold for 80 %, as for the trained model."""
    record = Bundle.open(small.bundle).record
    scores = sorted(row.known_score for row in predict(small.bundle, run.photos / "validation"))

    assert record.threshold == pytest.approx(scores[2], abs=1e-3)
    assert np.mean(scores) == pytest.approx(0, abs=1e-2)
    assert record.temperature == 1  # 18 photos fit none


@pytest.mark.usefixtures("prebuilt")
def test_fp16_answers_nearly_as_the_trained_model(run: FakeRun, tmp_path: Path) -> None:
    done = export(run, tmp_path / "bundle", ExportSettings(precision="fp16", max_loss=60, golden="none"))

    record = Bundle.open(done.bundle).record
    assert record.shrunken is not None
    assert (record.model.precision, record.shrunken.recipe) == ("fp16", "float16 weights and arithmetic")
    assert done.agreement == 1


@pytest.mark.usefixtures("prebuilt")
@pytest.mark.parametrize(
    ("ratio", "values", "words"),
    [
        (
            1.05,
            {"max_loss": 60},
            r"speed: 1.05 \(1.05 to 1.05\) at batch 1 and 1.05 .* at batch 32 times as fast as fp32",
        ),
        (1.5, {}, r"accuracy: \d of 18 validation photos .* points of top-1 are lost and 0.5 may be"),
    ],
)
def test_a_failed_gate_says_its_figures_and_leaves_nothing(
    run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ratio: float, values: Any, words: str
) -> None:
    monkeypatch.setattr(shrinking, "race", timed(ratio))
    with pytest.raises(PrecisionError, match=words):
        export(run, tmp_path / "bundle", ExportSettings(precision="fp16", **values))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("prebuilt")
def test_one_that_grew_is_refused(run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def grown(core: onnx.ModelProto) -> onnx.ModelProto:
        core.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(10**6, np.float32), "ballast"))
        return core

    monkeypatch.setattr(recipe_search, "half_precision", grown)
    with pytest.raises(PrecisionError, match=r"size: [\d,]+ bytes, and fp32 has [\d,]+; nothing was written"):
        export(run, tmp_path / "bundle", ExportSettings(precision="fp16", max_loss=60))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("prebuilt")
def test_a_slower_one_can_be_allowed_and_that_is_written(
    run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "race", timed(0.9))

    done = export(
        run, tmp_path / "bundle", ExportSettings(precision="fp16", max_loss=60, allow="slower", golden="none")
    )

    record = Bundle.open(done.bundle).record
    assert record.shrunken is not None
    assert record.shrunken.allowed == ("slower",)
    assert "not faster than fp32" in (done.bundle / "README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("prebuilt")
def test_an_end_that_answers_otherwise_is_refused(
    run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "refit_answers", lambda *_: None)
    with pytest.raises(
        ParityError, match=r"the shrunken bundle does not answer as was measured: .* give --precision fp32"
    ):
        export(run, tmp_path / "bundle", ExportSettings(precision="fp16", max_loss=60))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"precision": "fp8"}, "--precision: fp8 is not known here; give fp32, fp16 or int8"),
        ({"precision": "int8", "max_loss": 0.0}, "--max-loss: 0.0 is not greater than 0; give a number above 0 and"),
        ({"precision": "int8", "max_loss": 101}, "--max-loss: 101 is greater than 100; give a number above 0 and at"),
        ({"precision": "int8", "allow": "less"}, "--allow: less is not known here; give slower or none"),
        ({"max_loss": 1}, "--max-loss: 1.0 has no effect, as precision fp32 makes nothing smaller; leave it out, or"),
        ({"allow": "slower"}, "--allow: slower has no effect, as precision fp32 makes nothing smaller; leave it out"),
        ({"precison": "int8"}, "--precison: no such setting; did you mean --precision?"),
    ],
)
def test_what_cannot_be_wanted_is_refused(values: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        build_export(**values)


@pytest.mark.usefixtures("prebuilt")
def test_without_training_photos_there_is_no_recipe(
    run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "read_photos", lambda *_: iter(()))
    with pytest.raises(DataError, match=r"0 training photos can be read and .* on 16 at least: bring the photos back"):
        export(run, tmp_path / "bundle", ExportSettings(precision="int8"))


@pytest.mark.slow
@pytest.mark.usefixtures("prebuilt")
def test_real_times_decide_on_a_real_machine(run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    done = export(
        run, tmp_path / "bundle", ExportSettings(precision="int8", max_loss=60, allow="slower", golden="none")
    )
    assert done.shrunken is not None
    assert all(speed.ms > 0 and speed.low <= speed.ratio <= speed.high for speed in done.shrunken.speeds)
