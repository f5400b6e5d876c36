from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from visionft.exporting.graph_builder import GraphBuilder, Value, arange, larger, smaller, vector


def run(graph: GraphBuilder, result: Value, **given: NDArray[Any]) -> NDArray[Any]:
    """Return what the graph makes of its inputs."""
    types = {np.dtype(kind): helper.np_dtype_to_tensor_dtype(np.dtype(kind)) for kind in (np.int64, np.float32)}
    inputs = [helper.make_tensor_value_info(name, types[x.dtype], x.shape) for name, x in given.items()]
    kind = TensorProto.BOOL if result.dtype == np.bool_ else types[result.dtype]
    model = graph.model(inputs, [helper.make_tensor_value_info(result.name, kind, None)], 18)
    (found,) = ort.InferenceSession(model.SerializeToString()).run(None, given)
    return np.asarray(found)


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_arithmetic_is_numpy_s(dtype: type) -> None:
    a, b = np.array([7, 8, 9], dtype), np.array([2, 3, 4], dtype)
    for rule in (
        lambda x, y: x + y, lambda x, y: 1 + x, lambda x, y: x - y, lambda x, y: 9 - x, lambda x, y: x * y,
        lambda x, y: 2 * x, lambda x, y: x < y + 5,
    ):  # fmt: skip
        graph = GraphBuilder()
        result = rule(graph.given("a", dtype), graph.given("b", dtype))
        np.testing.assert_array_equal(run(graph, result, a=a, b=b), rule(a, b))


def test_whole_numbers_are_divided_to_whole_numbers_and_others_are_not() -> None:
    graph, whole = GraphBuilder(), np.array([7, 8], np.int64)
    np.testing.assert_array_equal(run(graph, graph.given("a", np.int64) // 3, a=whole), [2, 2])
    graph = GraphBuilder()
    np.testing.assert_array_equal(run(graph, 100 // graph.given("a", np.int64), a=whole), [14, 12])
    graph = GraphBuilder()
    found = run(graph, 1.0 / graph.given("a", np.float32), a=np.array([4, 8], np.float32))
    np.testing.assert_array_equal(found, [0.25, 0.125])


def test_sides_may_be_known_now_or_when_the_graph_runs() -> None:
    assert (larger(2, 3), smaller(2, 3)) == (3, 2)
    graph = GraphBuilder()
    rows = graph.given("a", np.float32).sides().take(0, 0)
    result = vector(graph, larger(4, rows), smaller(4, rows), larger(rows, 5), 7)
    assert run(graph, result, a=np.zeros((6, 2), np.float32)).tolist() == [6, 4, 6, 7]
    graph = GraphBuilder()
    count = graph.given("a", np.float32).sides().take(0, 0)
    assert run(graph, arange(graph, count), a=np.zeros((3, 1), np.float32)).tolist() == [0, 1, 2]


def test_the_same_operator_of_the_same_inputs_is_one_node() -> None:
    graph = GraphBuilder()
    a = graph.given("a", np.int64)
    assert (a + 1).name == (a + 1).name
    assert (a + 1).name != (a + 2).name
    assert a.take(0, 0).name != a.take(1, 0).name
    assert vector(graph, 1, 2).name == vector(graph, 1, 2).name


def test_parts_of_a_split_are_what_numpy_cuts() -> None:
    graph, x = GraphBuilder(), np.arange(10, dtype=np.float32).reshape(5, 2)
    top, low = graph.given("a", np.float32).split(0, 2, 3)
    np.testing.assert_array_equal(run(graph, top + low.clamp(high=4).take(0, 0), a=x), x[:2] + np.minimum(x[2], 4))
