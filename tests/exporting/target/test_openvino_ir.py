"""OpenVINO: the graph in its format answers as under onnxruntime, and what differs is refused. Slow tests convert."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exporting.fakes import FakeRun
from visionft.bundle import names as n
from visionft.errors import MissingExtraError, ParityError, UsageError
from visionft.exporting import export
from visionft.exporting.target import OpenVino, openvino_ir
from visionft.files import verify_digests


@dataclass(frozen=True)
class Skewed(OpenVino):
    """Computes in less than fp32."""

    def answer(
        self, model: Path, batches: Sequence[NDArray[np.uint8]], adapter: Path | None = None
    ) -> list[dict[str, Any]]:
        found = super().answer(model, batches, adapter)
        return [{**outputs, n.PROBABILITIES: outputs[n.PROBABILITIES] * 0.99} for outputs in found]


@pytest.mark.slow
def test_a_bundle_has_the_graph_in_openvino_s_format_and_is_proved_by_it(run: FakeRun, tmp_path: Path) -> None:
    import openvino as ov

    made = export(run, tmp_path / "bundle", runtime=OpenVino.installed())
    assert made.target is not None
    assert (made.target.runtime, made.target.n) == (f"openvino=={ov.__version__.partition('-')[0]}", 18)
    listed = json.loads((made.bundle / "digests.json").read_text())["files"]
    assert {"openvino/model.xml", "openvino/model.bin"} <= set(listed)
    assert verify_digests.compare(made.bundle, "bundle", foreign=True).whole
    assert "`openvino/model.xml`" in (made.bundle / "README.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in (made.bundle / "openvino" / "model.xml").read_text()
    expected = json.loads((made.bundle / "golden" / "expected.json").read_text())["photos"]
    model = ov.Core().compile_model(made.bundle / "openvino" / "model.xml", "CPU", openvino_ir.EXACT)
    for photo in expected:
        answer = model({"image": np.load(made.bundle / "golden" / photo["pixels"])[None]})
        assert str(answer["label"][0]) == photo["label"]
        assert np.allclose(answer["probabilities"][0], photo["probabilities"], atol=1e-3)


@pytest.mark.slow
def test_one_that_answers_otherwise_leaves_nothing(run: FakeRun, tmp_path: Path) -> None:
    with pytest.raises(
        ParityError, match=r"^openvino==.* answers differently .*; nothing was written: install another"
    ):
        export(run, tmp_path / "bundle", runtime=Skewed(OpenVino.installed().version))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_graph_that_it_cannot_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / n.MODEL_FILE).write_bytes(b"no graph")
    with pytest.raises(
        ParityError, match=r"^openvino==2026 cannot read the exported model \(.+\); nothing was written"
    ):
        OpenVino("2026").convert(tmp_path)
    with pytest.raises(ParityError, match=r"^openvino==2026 cannot run the exported model \(.+\); nothing was written"):
        OpenVino("2026").answer(tmp_path / n.MODEL_FILE, [])


def test_what_is_not_installed_or_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--target: openvino cannot carry adapters; export each run by itself"):
        OpenVino("2026.4.1").require_adapters()
    assert str(OpenVino("2026.4.1").target) == "openvino==2026.4.1"
    monkeypatch.setattr(openvino_ir.util, "find_spec", lambda _: None)
    with pytest.raises(
        MissingExtraError, match=r'openvino is not installed here; give pip install "visionft\[openvino\]'
    ):
        OpenVino.installed()
