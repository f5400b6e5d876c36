"""How large the model of a bundle may be."""

from __future__ import annotations

from visionft.bundle.size_limits import GRAPH_BYTES, LARGEST_MODEL, too_large


def test_a_file_ends_at_two_gibibytes_less_what_the_graph_takes() -> None:
    room = LARGEST_MODEL - GRAPH_BYTES
    assert room == 2**31 - 1 - 2**26
    assert too_large("vit", room) is None
    assert too_large("vit", room + 1) == (
        "vit has 2.08 GB of weights, and an ONNX file has room for 2.08 GB of them, whatever the precision, as it is "
        "made from fp32: train a smaller backbone"
    )
