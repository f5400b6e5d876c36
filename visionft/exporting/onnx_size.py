"""Refusing what one ONNX file cannot hold, before any work."""

from __future__ import annotations

from visionft.backbones import Network
from visionft.bundle.size_limits import too_large
from visionft.errors import BackboneError


def require_small(network: Network) -> None:
    """Raise BackboneError where the network is too large for one file."""
    require_room(network.name, bytes_of(network))


def require_room(name: str, weight_bytes: int) -> None:
    """Raise BackboneError where so many bytes of weights are too many for one file."""
    if sentence := too_large(name, weight_bytes):
        raise BackboneError(sentence)


def bytes_of(network: Network) -> int:
    """Return the bytes of a network's weights and statistics."""
    return sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers()))
