"""Which nodes stay in float, and which trial is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import ModelProto, TensorProto

from tests.exporting.small_graphs import pixels, whole
from visionft.errors import BackboneError
from visionft.exporting.quantization.core_graph import core_of
from visionft.exporting.quantization.recipe_search import Bench, Trial, choose, search, worst_first
from visionft.exporting.quantization.recipes import recipes

KINDS = ("conv", "matmul")


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
