"""Gradient checkpointing: activations inside the blocks are computed again in the backward pass instead of kept."""

from __future__ import annotations

from typing import Any

from visionft.backbones import Network
from visionft.errors import BackboneError
from visionft.machine.progress import Say
from visionft.planning.crop_sizes import crop
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.step_timing import saved_bytes
from visionft.settings import FitSettings


def checkpoint_gradients(network: Network) -> None:
    """Let every block keep its input alone (arXiv 1604.06174); outputs and gradients stay the same.

    Batch norms that go on estimating their statistics see each batch twice.

    Raises:
        BackboneError: timm does not offer it for this backbone.
    """
    backbone: Any = network.backbone
    try:
        backbone.set_grad_checkpointing(True)
    except (AssertionError, AttributeError) as error:
        raise BackboneError(
            f"timm has no gradient checkpointing for {network.name}; leave --hardware.gradient-checkpointing out, or "
            "give a smaller --optim.micro-batch"
        ) from error


def prepare(settings: FitSettings, network: Network, say: Say) -> None:
    """Switch it on where the settings say so, and say what it saves.

    Raises:
        BackboneError: the backbone cannot, or nothing is saved.
    """
    if not settings.hardware.gradient_checkpointing or not settings.epochs:
        return
    size = crop(settings, network.input_size)
    with memory_efficient(settings, network):
        before = saved_bytes(network, size)
        checkpoint_gradients(network)
        after = saved_bytes(network, size)
    if after >= before:
        raise BackboneError(
            f"gradient checkpointing saves nothing for {network.name}; leave --hardware.gradient-checkpointing out"
        )
    say(
        f"gradient checkpointing: {after / 1e6:.1f} MB a photo for the backward pass instead of {before / 1e6:.1f}, "
        "and blocks are computed twice"
    )
