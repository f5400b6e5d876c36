"""ONNX nodes from arithmetic: a value in a graph that is being built takes +, -, *, / and //, as a tensor does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper


class GraphBuilder:
    """Nodes and constants in the order in which they were asked for; nothing is computed."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._known: dict[tuple[Any, ...], Value] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], TensorProto] = {}

    def given(self, name: str, dtype: DTypeLike) -> Value:
        """Return an input of the graph."""
        return Value(self, name, np.dtype(dtype))

    def constant(self, value: Any, dtype: DTypeLike) -> Value:
        """Return a constant; equal ones are one."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        tensor = self._constants.setdefault(key, numpy_helper.from_array(array, f"constant_{len(self._constants)}"))
        return Value(self, tensor.name, array.dtype)

    def op(
        self, kind: str, *inputs: Value, dtype: DTypeLike | None = None, output: str | None = None, **attributes: Any
    ) -> Value:
        """Append a node of one output; the same operator of the same inputs is one node.

        Args:
            kind: the operator of ai.onnx.
            inputs: its inputs in order.
            dtype: of the output; none: the first input's.
            output: its name; none: one of its own.
            attributes: of the operator.
        """
        key = (kind, *(value.name for value in inputs), *sorted(attributes.items()))
        if output is None and key in self._known:
            return self._known[key]
        name = f"{kind}_{len(self._nodes)}"
        found = Value(self, output or name, np.dtype(dtype) if dtype is not None else inputs[0].dtype)
        self._nodes.append(helper.make_node(kind, [value.name for value in inputs], [found.name], name, **attributes))
        return self._known.setdefault(key, found)

    def split(self, value: Value, axis: int, sides: Sequence[int]) -> list[Value]:
        """Append a node that cuts an axis into parts of these sizes."""
        name = f"Split_{len(self._nodes)}"
        parts = [Value(self, f"{name}_{number}", value.dtype) for number in range(len(sides))]
        inputs = [value.name, self.constant(sides, np.int64).name]
        self._nodes.append(helper.make_node("Split", inputs, [part.name for part in parts], name, axis=axis))
        return parts

    def model(self, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto], opset: int) -> ModelProto:
        """Return the graph as a model of one version of ai.onnx."""
        graph = helper.make_graph(self._nodes, "graph", inputs, outputs, list(self._constants.values()))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="visionft")


Number = int | float


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the graph; a plain number beside it becomes a constant of its type."""

    graph: GraphBuilder
    name: str
    dtype: np.dtype[Any]

    def like(self, other: Value | Number | NDArray[Any]) -> Value:
        """Return the operand as a value, a number or an array as a constant of this value's type."""
        return other if isinstance(other, Value) else self.graph.constant(other, self.dtype)

    def op(self, kind: str, *others: Value | Number | NDArray[Any], **more: Any) -> Value:
        """Append a node whose first input is this value, and whose others are of its type."""
        return self.graph.op(kind, self, *map(self.like, others), **more)

    def __add__(self, other: Value | Number) -> Value:
        return self.op("Add", other)

    __radd__ = __add__

    def __sub__(self, other: Value | Number) -> Value:
        return self.op("Sub", other)

    def __rsub__(self, other: Number) -> Value:
        return self.like(other) - self

    def __mul__(self, other: Value | Number) -> Value:
        return self.op("Mul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Value | Number) -> Value:
        return self.op("Div", other)

    def __rtruediv__(self, other: Number) -> Value:
        return self.like(other) / self

    def __floordiv__(self, other: Value | Number) -> Value:
        """Divide whole numbers, neither of them negative: ONNX rounds towards zero."""
        assert self.dtype == np.int64
        return self.op("Div", other)

    def __rfloordiv__(self, other: int) -> Value:
        return self.like(other) // self

    def __lt__(self, other: Value | Number) -> Value:
        return self.op("Less", other, dtype=np.bool_)

    def floor(self) -> Value:
        """Return the largest whole numbers that are not above."""
        return self.op("Floor")

    def clamp(self, low: Value | Number | None = None, high: Value | Number | None = None) -> Value:
        """Return the values, none below `low` and none above `high`."""
        above = self if low is None else self.op("Max", low)
        return above if high is None else above.op("Min", high)

    def cast(self, dtype: DTypeLike) -> Value:
        """Return the values in another type."""
        return self.op("Cast", dtype=dtype, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reshape(self, *sides: Value | int) -> Value:
        """Return the values in another shape; one side may be -1."""
        return self.graph.op("Reshape", self, vector(self.graph, *sides))

    def transposed(self, *axes: int) -> Value:
        """Return the values with their axes in another order."""
        return self.op("Transpose", perm=axes)

    def unsqueeze(self, *axes: int) -> Value:
        """Return the values with axes of one put in."""
        return self.graph.op("Unsqueeze", self, self.graph.constant(axes, np.int64))

    def split(self, axis: int, *sides: int) -> list[Value]:
        """Return the values in parts of these sizes along an axis."""
        return self.graph.split(self, axis, sides)

    def take(self, places: Value | int, axis: int) -> Value:
        """Return what stands at the places of an axis, or at one of them, without the axis."""
        index = places if isinstance(places, Value) else self.graph.constant(places, np.int64)
        return self.graph.op("Gather", self, index, axis=axis)

    def sides(self) -> Value:
        """Return the shape, int64."""
        return self.op("Shape", dtype=np.int64)


Side = Value | int
"""A whole number that is known now, or when the graph runs."""


def vector(graph: GraphBuilder, *values: Side) -> Value:
    """Return whole numbers, of which some may be values, as int64 of one axis."""
    if not any(isinstance(value, Value) for value in values):
        return graph.constant(values, np.int64)
    parts = [value.unsqueeze(0) if isinstance(value, Value) else graph.constant([value], np.int64) for value in values]
    return parts[0] if len(parts) == 1 else graph.op("Concat", *parts, axis=0)


def arange(graph: GraphBuilder, count: Side) -> Value:
    """Return 0, 1, ... count - 1 as int64."""
    if not isinstance(count, Value):
        return graph.constant(np.arange(count), np.int64)
    return graph.op("Range", count.like(0), count, count.like(1))


def larger(a: Side, b: Side) -> Side:
    """Return the larger of two whole numbers."""
    if isinstance(a, Value):
        return a.op("Max", b)
    return b.op("Max", a) if isinstance(b, Value) else max(a, b)


def smaller(a: Side, b: Side) -> Side:
    """Return the smaller of two whole numbers."""
    if isinstance(a, Value):
        return a.op("Min", b)
    return b.op("Min", a) if isinstance(b, Value) else min(a, b)
