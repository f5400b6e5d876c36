"""The end of the exported graph: from logits and embedding to the table of answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from visionft.bundle import names as n
from visionft.metrics import KnownScale, Postprocess

CALIBRATED = "calibrated_logits"
AXIS = "class_axis"
LOGIT, COSINE = "largest_logit", "nearest_mean"
SCALES = ("mean", "spread")


def append_answers(model: ModelProto, classes: Sequence[str] | None, answering: Postprocess) -> None:
    """Append calibration and the table's outputs; what was fitted stays initializers, to be changed later.

    Args:
        model: ends in logits and embedding; changed in place.
        classes: names for the label; none: there is no label, since adapters differ in their classes.
        answering: from logits and embedding to answers.
    """
    constants = {
        AXIS: np.array([1], np.int64),
        **({} if classes is None else {n.CLASS_NAMES: np.array(list(classes), dtype=object)}),
        **_fitted(answering),
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    )
    node = helper.make_node
    model.graph.node.extend(
        [
            node("Div", [n.LOGITS, n.TEMPERATURE], [CALIBRATED], "calibrate"),
            node("Softmax", [CALIBRATED], [n.PROBABILITIES], "softmax", axis=1),
            node("ArgMax", [n.LOGITS], [n.CLASS_INDEX], "choose", axis=1, keepdims=0),
            node("ReduceMax", [n.PROBABILITIES, AXIS], [n.PROBABILITY], "probability_of_choice", keepdims=0),
            *(
                []
                if classes is None
                else [node("Gather", [n.CLASS_NAMES, n.CLASS_INDEX], [n.LABEL], "name_choice", axis=0)]
            ),
            *_known_nodes(answering.scale),
            node("Less", [n.KNOWN_SCORE, n.THRESHOLD], [n.UNKNOWN], "below_threshold"),
        ]
    )


def refit_answers(model: ModelProto, answering: Postprocess) -> None:
    """Replace what was fitted, in a graph whose answers were appended with class means, or without, as here."""
    fitted = _fitted(answering)
    kept = [tensor for tensor in model.graph.initializer if tensor.name not in fitted]
    assert len(kept) == len(model.graph.initializer) - len(fitted), "the score has the same parts as before"
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in fitted.items())


def _fitted(answering: Postprocess) -> dict[str, Any]:
    threshold = -math.inf if answering.threshold is None else answering.threshold
    return {
        n.TEMPERATURE: np.float32(answering.temperature),
        n.THRESHOLD: np.float32(threshold),
        **scale_constants(answering.scale),
    }


def scale_constants(scale: KnownScale) -> dict[str, NDArray[np.float32]]:
    """Return what the known score is measured by, by the names in the graph; class means are (D, C)."""
    found = _mean_and_spread(LOGIT, scale.logit)
    if scale.means is None:
        return found
    return found | _mean_and_spread(COSINE, scale.cosine) | {n.CLASS_MEANS: np.ascontiguousarray(scale.means.T)}


def _mean_and_spread(name: str, values: tuple[float, float]) -> dict[str, NDArray[np.float32]]:
    return {f"{name}_{what}": np.asarray(value, np.float32) for what, value in zip(SCALES, values, strict=True)}


def _known_nodes(scale: KnownScale) -> list[NodeProto]:
    node, by_logit, by_mean = helper.make_node, f"{LOGIT}_known", f"{COSINE}_known"
    largest = node("ReduceMax", [n.LOGITS, AXIS], [LOGIT], LOGIT, keepdims=0)
    if scale.means is None:
        return [largest, *_standardised(LOGIT, n.KNOWN_SCORE)]
    return [
        largest,
        *_standardised(LOGIT, by_logit),
        node("MatMul", [n.EMBEDDING, n.CLASS_MEANS], ["cosines"], "compare_with_means"),
        node("ReduceMax", ["cosines", AXIS], [COSINE], COSINE, keepdims=0),
        *_standardised(COSINE, by_mean),
        node("Add", [by_logit, by_mean], [n.KNOWN_SCORE], "score_known"),
    ]


def _standardised(name: str, output: str) -> list[NodeProto]:
    return [
        helper.make_node("Sub", [name, f"{name}_mean"], [f"{name}_centred"], f"centre_{name}"),
        helper.make_node("Div", [f"{name}_centred", f"{name}_spread"], [output], f"scale_{name}"),
    ]
