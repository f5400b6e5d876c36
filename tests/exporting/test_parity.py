from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from tests.exporting.fakes import FakeRun, rendered
from visionft.backbones import Network
from visionft.bundle import Answer
from visionft.errors import ParityError
from visionft.exporting.export_bundle import export
from visionft.exporting.onnx_model import build
from visionft.exporting.parity import Tally, _judge, _note_photo
from visionft.exporting.parity_photos import Photo
from visionft.exporting.stage_parity import Stages
from visionft.settings import ExportSettings


@pytest.fixture(scope="module")
def stages(run: FakeRun, built: onnx.ModelProto) -> Stages:
    return Stages(built, run.preprocess)


def disturbed(network: Network) -> Network:
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.head.bias += torch.tensor([0.0, 0.5, 1.0])
    return other


def test_a_failed_gate_names_the_network_half_and_leaves_nothing(
    run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "visionft.exporting.export_bundle.build",
        lambda network, *rest: build(disturbed(network), *rest),
    )

    with pytest.raises(ParityError, match="the network half is at fault") as caught:
        export(run, tmp_path / "bundle")

    assert "the exported model does not answer like the trained one" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_gate_names_the_preprocess_half_and_keeps_the_older_bundle(
    run: FakeRun, built: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as quick:
        quick.setattr("visionft.exporting.export_bundle.build", lambda *_: copy.deepcopy(built))
        export(run, tmp_path / "bundle", ExportSettings(golden="none"))
    before = (tmp_path / "bundle" / "bundle.json").read_bytes()
    monkeypatch.setattr(
        "visionft.exporting.export_bundle.build",
        lambda network, preprocess, *rest: build(network, replace(preprocess, resize="squash"), *rest),
    )

    with pytest.raises(ParityError, match=r"the preprocess half is at fault: .* levels of 255"):
        export(run, tmp_path / "bundle")

    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (tmp_path / "bundle" / "bundle.json").read_bytes() == before


class BakedBatch(Network):
    """A network that the exporter ties to the batch it was shown: it copies one embedding for two photos."""

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        return super().embed(x)[:1].expand(len(x), -1) if torch.compiler.is_exporting() else super().embed(x)


def test_a_graph_that_stops_with_an_error_is_a_sentence_and_leaves_nothing(run: FakeRun, tmp_path: Path) -> None:
    baked = copy.deepcopy(run.trained)
    baked.__class__ = BakedBatch

    with pytest.raises(ParityError, match=r"which the trained one answers \(.*\); this backbone cannot be exported"):
        export(replace(run, trained=baked), tmp_path / "bundle")

    assert list(tmp_path.iterdir()) == []


def answer(run: FakeRun, probabilities: NDArray[np.float32], index: int) -> Answer:
    return Answer(
        run.classes[index], index, float(probabilities[index]), probabilities, probabilities, probabilities, 0.0, False
    )


def tally_of(run: FakeRun, truth: list[float], found: list[float], photos: int = 1, of: int = 1) -> Tally:
    """Return the tally of `photos` photos that differ among `of`."""
    tally, image = Tally(), rendered(0, 9, 9)
    for i in range(of):
        given = np.asarray(found if i < photos else truth, np.float32)
        photo = Photo(f"{i}.jpg", 0, image)
        _note_photo(tally, photo, answer(run, given, int(given.argmax())), np.asarray(truth, np.float32), run.classes)
    return tally


TIE = ([0.4003, 0.3997, 0.2], [0.3998, 0.4002, 0.2])


def test_a_near_tie_is_listed_and_passes(run: FakeRun, stages: Stages) -> None:
    tally = tally_of(run, *TIE, photos=1, of=200)

    _judge(tally, stages, run.trained)

    assert (tally.n, tally.same, len(tally.ties)) == (200, 199, 1)
    assert (tally.ties[0].photo, tally.ties[0].trained, tally.ties[0].exported) == (
        "0.jpg",
        run.classes[0],
        run.classes[1],
    )
    assert tally.ties[0].gap == pytest.approx(0.0006, abs=1e-5)


def test_more_than_half_a_percent_of_near_ties_fails(run: FakeRun, stages: Stages) -> None:
    with pytest.raises(ParityError, match="3 of 400 labels differ by near ties, and 2 may"):
        _judge(tally_of(run, *TIE, photos=3, of=400), stages, run.trained)


def test_another_label_beyond_a_near_tie_fails(run: FakeRun, stages: Stages) -> None:
    with pytest.raises(ParityError, match=r"1 of 300 labels differ \(first: 0.jpg, 'Boots' became"):
        _judge(tally_of(run, [0.402, 0.398, 0.2], [0.3999, 0.4001, 0.2], of=300), stages, run.trained)


@pytest.mark.parametrize("found", [[0.699, 0.201, 0.1], [float("nan")] * 3])
def test_probabilities_that_differ_fail(run: FakeRun, stages: Stages, found: list[float]) -> None:
    with pytest.raises(ParityError, match="does not answer like the trained one"):
        _judge(tally_of(run, [0.7, 0.2, 0.1], found), stages, run.trained)


def test_a_small_difference_passes(run: FakeRun, stages: Stages) -> None:
    tally = tally_of(run, [0.7, 0.2, 0.1], [0.6995, 0.2005, 0.1])

    _judge(tally, stages, run.trained)

    assert tally.worst == pytest.approx(5e-4, abs=1e-6)


def test_a_graph_with_another_scale_fails_the_gate(
    run: FakeRun, built: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = copy.deepcopy(built)
    spread = next(item for item in other.graph.initializer if item.name == "nearest_mean_spread")
    spread.CopyFrom(numpy_helper.from_array(1.1 * numpy_helper.to_array(spread), spread.name))
    monkeypatch.setattr("visionft.exporting.export_bundle.build", lambda *_: other)

    with pytest.raises(ParityError, match=r"of 54 known scores differ, .*; the end of the graph is at fault; nothing"):
        export(run, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []
