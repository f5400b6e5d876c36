"""What one ONNX file cannot hold is refused before any work."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.exporting.fakes import FakeRun
from visionft.bundle import size_limits
from visionft.bundle.size_limits import too_large
from visionft.errors import BackboneError
from visionft.exporting import export, onnx_model
from visionft.exporting.onnx_model import build
from visionft.settings import ExportSettings


def test_the_limit_is_protobufs_own() -> None:
    assert size_limits.LARGEST_MODEL == onnx.checker.MAXIMUM_PROTOBUF
    assert too_large("some", onnx.checker.MAXIMUM_PROTOBUF - size_limits.GRAPH_BYTES) is None
    assert too_large("some", onnx.checker.MAXIMUM_PROTOBUF - size_limits.GRAPH_BYTES + 1) == (
        "some has 2.08 GB of weights, and an ONNX file has room for 2.08 GB of them, whatever the precision, as it is "
        "made from fp32: train a smaller backbone"
    )


def test_a_network_too_large_for_one_file_is_refused(run: FakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limits, "LARGEST_MODEL", size_limits.GRAPH_BYTES + 1000)

    with pytest.raises(BackboneError, match=r"test_efficientnet has .* GB of weights, and an ONNX file has room for"):
        build(run.trained, run.preprocess, run.classes)


def test_an_export_that_is_too_large_reads_no_photo_and_leaves_nothing(
    run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(size_limits, "LARGEST_MODEL", size_limits.GRAPH_BYTES + 1000)
    monkeypatch.setattr(FakeRun, "manifest", None)
    monkeypatch.setattr(onnx_model, "as_onnx", None)

    with pytest.raises(
        BackboneError, match="whatever the precision, as it is made from fp32: train a smaller backbone"
    ):
        export(run, tmp_path / "new" / "bundle", ExportSettings(precision="fp16"))
    assert not (tmp_path / "new").exists()
