"""The two halves of a bundle's graph, cut apart in memory: one runs per photo, the other per batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from visionft.bundle import names as n
from visionft.errors import BundleError

if TYPE_CHECKING:
    from onnx import ModelProto


class Halves(NamedTuple):
    """A model in two, each the bytes of an ONNX file.

    Attributes:
        front: `image` to `pixels`.
        back: `pixels` to answers, with the metadata of the whole.
        mixes: whether the answer to a photo depends on those beside it: numbers are scaled by the largest of a batch.
    """

    front: bytes
    back: bytes
    mixes: bool


def halves(model: Path) -> Halves:
    """Cut a model at `pixels` into `image` to `pixels`, and `pixels` to answers, which adapters go into too.

    Raises:
        BundleError: the graph has no such tensor, or answers need more of the photo than it.
    """
    front, back = _cut(model)  # the whole is let go before bytes are made of them
    mixes = any(node.op_type == "DynamicQuantizeLinear" for node in back.graph.node)
    return Halves(front.SerializeToString(), back.SerializeToString(), mixes)


def _cut(model: Path) -> tuple[ModelProto, ModelProto]:
    # Asked for only here: reading a bundle's records does without.
    import onnx
    from onnx.utils import Extractor

    whole = onnx.load_model(model, load_external_data=False)
    given = [value.name for value in whole.graph.input if value.name != n.IMAGE]
    wanted = [value.name for value in whole.graph.output]
    try:
        extractor = Extractor(whole)
        front = extractor.extract_model([n.IMAGE], [n.PIXELS])
        back = extractor.extract_model([n.PIXELS, *given], wanted)
    except (KeyError, ValueError) as error:
        raise BundleError(
            f"{model} does not fall into two halves at the tensor {n.PIXELS} ({error}): export the run again"
        ) from error
    back.metadata_props.extend(whole.metadata_props)
    return front, back
