"""A base in int8 under adapters: what is made smaller, what is not, and that each adapter answers as was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.exporting.adapted import AdaptedFake
from tests.exporting.fakes import rendered
from tests.exporting.quantization.timing import known_times
from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.errors import BackboneError, PrecisionError, UsageError
from visionft.exporting import Exported, export_adapters
from visionft.exporting.adapters.adapter_files import optional_inputs
from visionft.exporting.adapters.adapter_graph import build_base
from visionft.exporting.adapters.lora_runs import read_adapters
from visionft.exporting.quantization import recipe_search
from visionft.exporting.quantization.core_graph import core_of, spliced
from visionft.serving import Session
from visionft.settings import ExportSettings

CHECK = Path(__file__).resolve().parents[3] / "export" / "check.py"
NAMES = ("shoes", "qv.only", "mlp")
PHOTO = rendered(7, 90, 120)


# Slow: int8 and adapters have quick tests each by themselves, and both together take a minute of work to set up.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("times_are_known")]


@pytest.fixture(scope="module")
def small(low_rank: dict[str, AdaptedFake], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return a bundle with a base in int8 that no test may change."""
    with known_times():
        place = tmp_path_factory.mktemp("small") / "bundle"
        return export_adapters(low_rank, place, ExportSettings(accept=0.8, precision="int8", max_loss=90))


@pytest.fixture(scope="module")
def base(low_rank: dict[str, AdaptedFake]) -> onnx.ModelProto:
    """Return the base in fp32."""
    adapters, first = read_adapters(low_rank), low_rank["shoes"]
    return build_base(first.start(), first.preprocess, adapters.values())


def test_a_core_put_back_as_it_is_keeps_every_input_and_default(base: onnx.ModelProto) -> None:
    whole = spliced(base, core_of(base))
    assert optional_inputs(whole) == optional_inputs(base)
    before, after = ({t.name: numpy_helper.to_array(t) for t in model.graph.initializer} for model in (base, whole))
    for name in optional_inputs(base):
        np.testing.assert_array_equal(before[name], after[name])


def test_the_weights_are_int8_and_what_adapters_give_is_float(small: Exported, base: onnx.ModelProto) -> None:
    model = onnx.load(small.bundle / n.MODEL_FILE)
    assert optional_inputs(model) == optional_inputs(base)
    quantised = [node for node in model.graph.node if node.op_type == "MatMulInteger"]
    assert len(quantised) >= 6
    fed = set(optional_inputs(model))
    assert not any(fed & set(node.input) for node in quantised)
    assert model.ByteSize() < base.ByteSize()


def test_each_adapter_is_measured_by_itself(small: Exported, low_rank: dict[str, AdaptedFake]) -> None:
    record = Bundle.open(small.bundle).record
    assert record.model.precision == "int8"
    assert small.adapters == NAMES
    for adapter in record.adapters:
        shrunken = adapter.shrunken
        assert shrunken is not None
        assert shrunken.recipe.startswith("dynamic int8 of matrix products")
        assert [flips.n for flips in shrunken.flips] == [6 * len(low_rank[adapter.name].names)] * 2
        assert adapter.agreement is not None
        assert adapter.agreement.agreement > 0.7
    shoes, plain, mlp = record.adapters
    assert (shoes.shrunken.refitted, plain.shrunken.refitted, mlp.shrunken.refitted) == (True, False, True)  # type: ignore[union-attr]
    assert "shoes: dynamic int8 of matrix products" in str(small)
    card = (small.bundle / "README.md").read_text(encoding="utf-8")
    assert "## Made smaller" in card
    assert "- mlp: each photo alone:" in card


def test_it_answers_like_its_runs_but_for_rounding(small: Exported, adapted: Exported) -> None:
    one, two, apart = Session(small.bundle), Session(adapted.bundle), []
    for name in NAMES:
        a, b = (session.answer(PHOTO, name) for session in (one, two))
        apart.append(float(np.abs(a.logits - b.logits).max() / np.abs(b.logits).max()))
    assert min(apart) > 1e-6
    assert max(apart) < 0.2


def test_the_check_of_who_deploys_passes(small: Exported) -> None:
    told = subprocess.run([sys.executable, str(CHECK), str(small.bundle)], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout.strip()) == (0, f"{small.bundle} conforms: 24 golden photos")
    expected = json.loads((small.bundle / "golden" / "mlp" / "expected.json").read_text(encoding="utf-8"))
    golden = Bundle.open(small.bundle).chosen("mlp").record.golden
    assert (expected["tolerance"], expected["score_tolerance"]) == (golden.tolerance, golden.score_tolerance)


def test_a_gate_that_fails_names_the_adapter(low_rank: dict[str, AdaptedFake], tmp_path: Path) -> None:
    with pytest.raises(PrecisionError, match=r"^adapter shoes: int8 \(dynamic .*\) is not worth it here: accuracy: "):
        export_adapters(low_rank, tmp_path / "bundle", ExportSettings(precision="int8", max_loss=0.5))
    assert not list(tmp_path.iterdir())


def test_what_no_base_can_be_is_refused(low_rank: dict[str, AdaptedFake], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--precision fp16 was given with --adapters, whose base is in fp32 or int8"):
        export_adapters(low_rank, tmp_path / "bundle", ExportSettings(precision="fp16"))
    assert not list(tmp_path.iterdir())


def test_a_base_without_matrix_products_is_refused(
    low_rank: dict[str, AdaptedFake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe_search, "recipes", lambda *_: [])
    with pytest.raises(BackboneError, match="is one of matrix products, and this one's weights are in convolutions"):
        export_adapters(low_rank, tmp_path / "bundle", ExportSettings(precision="int8", max_loss=90))
