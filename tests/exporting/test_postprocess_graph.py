"""The end of the graph: what was fitted can be set anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.exporting.fakes import FakeRun, rendered
from visionft.bundle import names as n
from visionft.exporting.onnx_model import build
from visionft.serving.onnx_session import open_model


@pytest.fixture(scope="module")
def model(bundle: Path) -> onnx.ModelProto:
    return onnx.load(bundle / n.MODEL_FILE)


def test_temperature_and_threshold_are_initializers_that_can_be_set(model: onnx.ModelProto, run: FakeRun) -> None:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    constants = {item.name: item for item in changed.graph.initializer}
    assert numpy_helper.to_array(constants[n.TEMPERATURE]) == np.float32(0.7)
    assert numpy_helper.to_array(constants[n.THRESHOLD]) == np.float32(run.answering(0.8).threshold)
    constants[n.TEMPERATURE].CopyFrom(numpy_helper.from_array(np.asarray(np.float32(4)), n.TEMPERATURE))
    constants[n.THRESHOLD].CopyFrom(numpy_helper.from_array(np.asarray(np.float32(1e9)), n.THRESHOLD))

    image = {n.IMAGE: rendered(1, 50, 60)[None]}
    wanted = [n.LOGITS, n.PROBABILITIES, n.UNKNOWN]
    logits, probabilities, unknown = open_model(changed.SerializeToString()).run(wanted, image)

    softened = np.exp(logits / 4) / np.exp(logits / 4).sum()
    np.testing.assert_allclose(probabilities, softened, rtol=1e-4)
    assert unknown.tolist() == [True]


def test_without_calibration_the_graph_answers_plainly(run: FakeRun) -> None:
    model = build(run.trained, run.preprocess, run.classes)

    outputs = open_model(model.SerializeToString()).run(n.OUTPUTS, {n.IMAGE: rendered(1, 50, 60)[None]})

    answer = dict(zip(n.OUTPUTS, outputs, strict=True))
    plain = np.exp(answer[n.LOGITS]) / np.exp(answer[n.LOGITS]).sum()
    np.testing.assert_allclose(answer[n.PROBABILITIES], plain, rtol=1e-4)
    np.testing.assert_array_equal(answer[n.KNOWN_SCORE], answer[n.LOGITS].max(1))
    assert not answer[n.UNKNOWN].any()
