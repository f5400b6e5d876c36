from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from tests.exporting.small_graphs import photos, pixels, whole
from visionft.bundle import names as n
from visionft.exporting.quantization.core_graph import PREFIX, core_of, spliced
from visionft.exporting.quantization.recipes import half_precision, recipes
from visionft.serving.onnx_session import open_model

KINDS = ("conv", "matmul")
FP16, INT8 = 2e-3, 0.1  # of the largest logit


def answers(model: ModelProto, *outputs: str) -> list[NDArray[np.float32]]:
    found: list[NDArray[np.float32]] = open_model(model.SerializeToString()).run(list(outputs), {n.IMAGE: photos(9, 5)})
    return found


def shrunken(model: ModelProto, precision: str) -> ModelProto:
    core = core_of(model)
    if precision == "fp16":
        return half_precision(core)
    (recipe,) = recipes(core, pixels(16))
    return recipe.apply(())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("precision", "tolerance"), [("fp16", FP16), ("int8", INT8)])
def test_a_shrunken_graph_is_smaller_and_answers_nearly_the_same(kind: str, precision: str, tolerance: float) -> None:
    model = whole(kind)

    small = spliced(model, shrunken(model, precision))

    share = small.ByteSize() / model.ByteSize()
    assert 0.2 < share < (0.6 if precision == "fp16" else 0.5)
    (truth,), (found, embedding) = answers(model, n.LOGITS), answers(small, n.LOGITS, n.EMBEDDING)
    off = np.abs(found - truth).max() / np.abs(truth).max()
    assert 0 < off < tolerance
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_the_preprocess_half_stays_to_the_bit(kind: str, precision: str) -> None:
    model = whole(kind)

    small = spliced(model, shrunken(model, precision))

    kept = [each for each in small.graph.node if not each.name.startswith(PREFIX)]
    assert kept == [each for each in model.graph.node if each in kept]
    assert [each.name for each in kept] == [
        "preprocess/cast", "preprocess/turn", "preprocess/scale", "network/length", "network/unit", "choose"
    ]  # fmt: skip
    for each in (model, small):
        each.graph.output.add().CopyFrom(each.graph.value_info[0])
    np.testing.assert_array_equal(*[answers(each, n.PIXELS)[0] for each in (model, small)])


def test_convolutions_are_static_and_matrix_products_dynamic() -> None:
    (conv,), (matmul,) = (recipes(core_of(whole(kind)), pixels(16)) for kind in KINDS)
    assert conv.name == "static int8, weights per channel, ranges from 16 training photos"
    assert conv.nodes == ("network/conv1", "network/conv2", "network/conv3", "network/head")
    assert matmul.name == "dynamic int8 of matrix products"
    assert matmul.nodes == ("network/matmul1", "network/matmul2", "network/matmul3", "network/head")


@pytest.mark.parametrize("kind", KINDS)
def test_nodes_left_out_keep_their_weights_in_float(kind: str) -> None:
    (recipe,) = recipes(core_of(whole(kind)), pixels(16))

    core = recipe.apply([recipe.nodes[1]])

    floats = {tensor.name for tensor in core.graph.initializer if tensor.data_type == TensorProto.FLOAT}
    assert "w2" in floats
    assert not {"w1", "w3"} & floats
