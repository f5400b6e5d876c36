"""What an adapter gives for the inputs of its base."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from tests.exporting.adapted import AdaptedFake
from tests.exporting.adapters.test_export_adapters import PHOTOS, RELATIVE
from visionft.exporting import Exported
from visionft.exporting.adapters.adapter_files import adapter_tensors, baked, optional_inputs
from visionft.exporting.adapters.lora_runs import read_adapters
from visionft.serving import Session


@pytest.mark.slow
def test_baked_into_the_base_an_adapter_gives_the_same_answers(
    adapted: Exported, session: Session, low_rank: dict[str, AdaptedFake]
) -> None:
    model = onnx.load(adapted.bundle / "model.onnx")
    own = read_adapters(low_rank)["qv.only"]
    tensors = adapter_tensors(own, optional_inputs(model), low_rank["qv.only"].answering(0.8))

    alone = ort.InferenceSession(baked(model, tensors).SerializeToString(), providers=["CPUExecutionProvider"])

    assert [value.name for value in alone.get_inputs()] == ["image"]
    assert alone.get_overridable_initializers() == []
    (logits,) = alone.run(["logits"], {"image": PHOTOS[0][None]})
    np.testing.assert_allclose(logits[0], session.answer(PHOTOS[0], "qv.only").logits, rtol=RELATIVE, atol=1e-5)


@pytest.mark.slow
def test_any_runtime_may_feed_the_tensors_as_inputs(
    adapted: Exported, session: Session, low_rank: dict[str, AdaptedFake]
) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    base = ort.InferenceSession(str(adapted.bundle / "model.onnx"), options, providers=["CPUExecutionProvider"])
    inputs = optional_inputs(onnx.load(adapted.bundle / "model.onnx"))
    tensors = adapter_tensors(read_adapters(low_rank)["mlp"], inputs, low_rank["mlp"].answering(0.8))

    probabilities, score = base.run(["probabilities", "known_score"], {"image": PHOTOS[0][None], **tensors})

    answer = session.answer(PHOTOS[0], "mlp")
    np.testing.assert_allclose(probabilities[0], answer.probabilities, atol=1e-6)
    assert score[0] == pytest.approx(answer.known_score, abs=1e-5)
