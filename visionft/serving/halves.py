"""The two halves of a bundle's graph, cut apart in memory: one runs per photo, the other per batch."""

from __future__ import annotations

from pathlib import Path

from visionft.bundle import names as n
from visionft.errors import BundleError


def halves(model: Path) -> tuple[bytes, bytes]:
    """Cut a model at `pixels` into `image` to `pixels`, and `pixels` to answers, which adapters go into too.

    Returns:
        Both halves as the bytes of ONNX files.

    Raises:
        BundleError: the graph has no such tensor, or answers need more of the photo than it.
    """
    # Half of a server's imports; predicting, which needs no halves, does without.
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
    return front.SerializeToString(), back.SerializeToString()
