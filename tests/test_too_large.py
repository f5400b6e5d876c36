"""A network that one ONNX file cannot hold: said by `fit` before it trains, refused by `export` before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import visionft as vft
from visionft.bundle import size_limits
from visionft.cli import main
from visionft.exporting import target
from visionft.runs import Run

WORDS = "GB of weights, and an ONNX file has room for 0.00 GB of them, whatever the precision, as it is made from fp32"


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limits, "LARGEST_MODEL", size_limits.GRAPH_BYTES + 1000)


@pytest.mark.parametrize("more", [[], ["--precision", "fp16"], ["--target", "onnxruntime==1.19.2"]])
def test_export_refuses_before_weights_are_read_or_a_runtime_is_installed(
    trained: Path, tmp_path: Path, more: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Run, "network", None)
    monkeypatch.setattr(target, "environment", None)
    assert main(["export", str(trained), "--out", str(tmp_path / "bundle"), *more]) == 1
    said = capsys.readouterr().err
    assert said.startswith("visionft: test_resnet has 0.00 " + WORDS)
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_adapters_are_refused_alike(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Run, "start", None)
    assert main(["export", "--adapters", str(trained), "--out", str(tmp_path / "bundle")]) == 1
    assert capsys.readouterr().err.startswith("visionft: test_resnet has 0.00 " + WORDS)


def test_fit_says_so_before_it_trains(shapes: Path, tmp_path: Path, small: dict[str, Any]) -> None:
    said: list[str] = []
    vft.fit(shapes, out=tmp_path / "run", say=said.append, **small)
    note = next(place for place, line in enumerate(said) if line.startswith("note: this run will evaluate and predict"))
    assert WORDS in said[note]
    assert note < next(place for place, line in enumerate(said) if line.startswith("weights: "))
