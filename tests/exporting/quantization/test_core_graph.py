"""The part of a graph that shrinks, cut out and put back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto

from tests.exporting.small_graphs import photos, whole
from visionft.bundle import names as n
from visionft.exporting.quantization.core_graph import core_of, spliced
from visionft.serving.onnx_session import open_model

KINDS = ("conv", "matmul")


def answers(model: ModelProto, *outputs: str) -> list[NDArray[np.float32]]:
    found: list[NDArray[np.float32]] = open_model(model.SerializeToString()).run(list(outputs), {n.IMAGE: photos(9, 5)})
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_core_runs_from_pixels_to_logits_and_features(kind: str) -> None:
    core = core_of(whole(kind))
    assert [value.name for value in core.graph.input] == [n.PIXELS]
    assert [value.name for value in core.graph.output] == [n.LOGITS, "features"]
    assert [entry.domain for entry in core.opset_import] == [""]


@pytest.mark.parametrize("kind", KINDS)
def test_a_core_put_back_as_it_was_answers_to_the_bit(kind: str) -> None:
    model = whole(kind)
    again = spliced(model, core_of(model))
    for one, two in zip(answers(model, n.LOGITS, n.EMBEDDING), answers(again, n.LOGITS, n.EMBEDDING), strict=True):
        np.testing.assert_array_equal(one, two)
