from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from tests.exporting.small_graphs import photos, pixels, whole
from visionft.bundle import names as n
from visionft.errors import BackboneError
from visionft.exporting.quantization.core_graph import PREFIX, core_of, spliced
from visionft.exporting.quantization.recipe_search import Bench, Trial, choose, search, worst_first
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


@pytest.mark.parametrize("kind", KINDS)
def test_the_layer_behind_an_outlier_is_found(kind: str) -> None:
    """One channel of 300 times the others' size leaves these a level of 256: the layer that takes it suffers.

    A static recipe also rounds what the layer before it gives.
    """
    core = core_of(whole(kind, outlier=300.0))
    (recipe,) = recipes(core, pixels(16))
    bench, said = Bench(core, pixels(16, 1)), list[tuple[str, int, int]]()

    ranked = worst_first(recipe, bench, lambda *step: said.append(step))

    guilty = recipe.nodes[:2] if kind == "conv" else recipe.nodes[1:2]
    assert sorted(name for group in ranked[: len(guilty)] for name in group) == sorted(guilty)
    assert bench.error(recipe.apply(guilty)) < bench.error(recipe.apply(()))
    assert said[-1] == ("looking for sensitive nodes", 3, 4)


def test_the_worst_group_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visionft.exporting.quantization.recipe_search.STRETCHES", 2)
    core = core_of(whole("matmul", outlier=300.0))
    (recipe,) = recipes(core, pixels(16))
    said: list[tuple[str, int, int]] = []

    ranked = worst_first(recipe, Bench(core, pixels(16, 1)), lambda *step: said.append(step))

    assert ranked[0] == (recipe.nodes[1],)
    assert sorted(name for group in ranked for name in group) == sorted(recipe.nodes)
    assert said[-1][1] < said[-1][2]


def trial(name: str, changed: float, error: float, ratio: float) -> Trial:
    return Trial(name, (), ModelProto(), changed, error, ratio)


def test_of_the_trials_nearly_as_fast_as_the_fastest_the_most_faithful_is_chosen() -> None:
    fastest, faithful, slow = trial("a", 0.02, 0.2, 2.0), trial("b", 0.01, 0.1, 1.7), trial("c", 0.0, 0.0, 1.1)
    assert choose([fastest, faithful, slow]) is faithful
    assert choose([fastest, slow]) is fastest
    assert choose([trial("d", 0.01, 0.2, 1.8), faithful]) is faithful


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_search_returns_a_core_that_runs(precision: str) -> None:
    core = core_of(whole("matmul"))

    found = search(core, precision, pixels(32), lambda *_: None)

    assert found.core.ByteSize() < core.ByteSize()
    assert 0 <= found.changed <= 1
    assert found.ratio > 0


def test_a_network_without_large_weights_is_refused(tmp_path: Path) -> None:
    core = core_of(whole("matmul"))
    core.graph.initializer.add(name="other", data_type=TensorProto.FLOAT, dims=[10**6]).raw_data = bytes(4 * 10**6)
    with pytest.raises(BackboneError, match=r"hardly a weight in convolutions .*: give --precision fp16 or fp32"):
        search(core, "int8", pixels(16), lambda *_: None)
