"""Say what an edit saves of the memory that the backward pass needs, where the name of the method promises too much."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from visionft.backbones import Network
from visionft.machine.progress import Say
from visionft.planning.crop_sizes import crop
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.step_timing import saved_bytes
from visionft.settings import AdapterMethod, FitSettings, LoraMethod, QloraMethod

LITTLE = 0.1  # of full fine-tuning's share: less than what another batch size or crop changes


@contextmanager
def compared(settings: FitSettings, network: Network, say: Say) -> Iterator[None]:
    """Count before and after the edit in this block, and say both figures for a convolutional backbone."""
    if not (network.convolutional and isinstance(settings.method, LoraMethod | QloraMethod | AdapterMethod)):
        yield
        return
    size = crop(settings, network.input_size)
    with memory_efficient(settings, network):
        full = saved_bytes(network, size)
    yield
    with memory_efficient(settings, network):
        edited = saved_bytes(network, size)
    say(sentence(settings.method.name, network.name, edited, full))


def sentence(method: str, backbone: str, edited: int, full: int) -> str:
    """Compare the bytes a photo that a method keeps for the backward pass with those of full fine-tuning."""
    gain = 1 - edited / full
    verdict = "nothing is saved" if gain <= 0 else f"{gain:.0%} less"
    verdict += ", next to nothing" if 0 < gain < LITTLE else ""
    return (
        f"{method} keeps {edited / 1e6:.1f} MB a photo for the backward pass of the convolutional {backbone}, "
        f"full fine-tuning {full / 1e6:.1f} MB: {verdict}; --method head keeps none of it, --method gradual less "
        "in its first phases"
    )
