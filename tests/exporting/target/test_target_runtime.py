"""The target at work, in a process of its own."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import onnx
import pytest
from packaging.version import Version

from tests.exporting.fakes import rendered
from visionft.bundle import Bundle
from visionft.errors import ParityError
from visionft.exporting import Exported
from visionft.exporting.adapters.adapter_parity import Through
from visionft.exporting.parity_photos import Photo
from visionft.exporting.target import Allowed, Runtime, Target, prove
from visionft.serving import Session

PHOTOS = [Photo(f"{i}.png", 0, rendered(i, 70 + 9 * i, 90 - 7 * i)) for i in range(6)]


HERE = Runtime(Target(Version(importlib.metadata.version("onnxruntime"))), Path(sys.executable))


def test_another_process_gives_the_same_answers(exported: Exported) -> None:
    proof = prove(HERE, Session(exported.bundle), PHOTOS, Allowed())

    assert proof.runtime == f"onnxruntime=={HERE.target.version}"
    assert proof.n == len(PHOTOS)
    assert proof.max_probability_difference < 1e-5


@pytest.mark.slow
def test_another_process_answers_through_an_adapter(adapted: Exported) -> None:
    bundle = Bundle.open(adapted.bundle)
    session = Session(bundle)

    for name in bundle.adapters:
        proof = prove(HERE, Through(session, name), PHOTOS, Allowed(), bundle.adapter_file(name))
        assert proof.max_probability_difference < 1e-5


def test_a_model_that_the_target_cannot_open_is_told(exported: Exported, tmp_path: Path) -> None:
    model = onnx.load(exported.bundle / "model.onnx")
    model.ir_version = 99
    onnx.save(model, tmp_path / "model.onnx")

    with pytest.raises(ParityError, match=r"^onnxruntime==.* cannot run the exported model \(.*[Ii][Rr].*\); nothing"):
        HERE.answer(tmp_path / "model.onnx", [PHOTOS[0].image[None]])
