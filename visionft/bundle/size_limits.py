"""How large the model of a bundle may be: one file, which protobuf ends at 2 GiB."""

from __future__ import annotations

LARGEST_MODEL = 2**31 - 1
"""Bytes of one ONNX file: protobuf counts in 32 bits with a sign."""
GRAPH_BYTES = 64 << 20
"""Left for everything but weights: nodes, names, class means. The graph of the deepest backbones takes a few MB."""


def too_large(name: str, weight_bytes: int) -> str | None:
    """Return one sentence where so many bytes of a network's weights, in fp32, make no bundle; None where they do.

    A smaller precision does not help: it is made from the whole graph in fp32, and proved against it.
    """
    room = LARGEST_MODEL - GRAPH_BYTES
    if weight_bytes <= room:
        return None
    return (
        f"{name} has {weight_bytes / 1e9:.2f} GB of weights, and an ONNX file has room for {room / 1e9:.2f} GB of "
        "them, whatever the precision, as it is made from fp32: train a smaller backbone"
    )
