"""Each adapter is proved beside its own run."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.exporting.adapted import AdaptedFake
from visionft.errors import ParityError
from visionft.exporting import Exported, export_adapters
from visionft.exporting.adapters.lora_runs import LowRank, read_adapters


def test_an_adapter_that_answers_otherwise_is_not_written(
    low_rank: dict[str, AdaptedFake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapted: Exported
) -> None:
    model = onnx.load(adapted.bundle / "model.onnx")
    monkeypatch.setattr("visionft.exporting.adapters.export_adapters.build_base", lambda *_: model)
    right = read_adapters(low_rank)
    first = right["mlp"]
    layer = next(iter(first.factors))
    factors = first.factors | {layer: (first.factors[layer][0], first.factors[layer][1] * 20)}
    wrong = right | {"mlp": LowRank(first.run, factors, first.weight, first.bias)}
    monkeypatch.setattr("visionft.exporting.adapters.export_adapters.read_adapters", lambda _: wrong)

    with pytest.raises(
        ParityError, match=r"^adapter mlp: the exported model does not answer like .*network half is at"
    ):
        export_adapters(low_rank, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []
