"""Measure one training step before step 0: which arithmetic is fastest here, what fits, how long the run will take."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from visionft.backbones.rewrites.eval_mode_bn import freeze_norms
from visionft.errors import MemoryShortError
from visionft.machine.memory import is_out_of_memory

ROUNDS = 6  # the ways in turn, so that what disturbs one disturbs all
COUNTED = 8  # photos of the pass in which saved bytes are counted: a micro-batch on a processor
PATIENCE = 6.0  # seconds after which no further round begins


@dataclass(frozen=True)
class Way:
    """How a step is computed.

    Attributes:
        dtype: of autocast; none is fp32.
        photos: in one pass.
    """

    dtype: torch.dtype | None
    photos: int


def seconds_per_photo(
    network: nn.Module,
    size: tuple[int, int],
    ways: Sequence[Way],
    device: str,
    channels_last: bool,
    *,
    frozen_norms: bool = False,
) -> dict[Way, float]:
    """Time forward and backward of all weights on synthetic photos, the ways in turn, on a copy of the network.

    Args:
        network: backbone and head.
        size: (H, W) of the training crops.
        ways: to compare.
        device: "cpu" or "cuda".
        channels_last: memory order of the photos.
        frozen_norms: whether batch norms keep their statistics.
    """
    trial = copy.deepcopy(network).to(device).train()
    if frozen_norms:
        freeze_norms(trial)
    order = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.zeros(max(way.photos for way in ways), 3, *size, device=device).contiguous(memory_format=order)
    times: dict[Way, list[float]] = {way: [] for way in ways}
    first = time.perf_counter()
    for round_number in range(ROUNDS + 1):
        for way in ways:
            began = time.perf_counter()
            with torch.autocast(device, way.dtype or torch.bfloat16, enabled=way.dtype is not None):
                loss = trial(x[: way.photos]).float().square().mean()
            loss.backward()
            _wait(device)
            if round_number:  # the first round warms up
                times[way].append((time.perf_counter() - began) / way.photos)
            trial.zero_grad(set_to_none=True)
        if round_number and time.perf_counter() - first > PATIENCE:
            break
    # The least, not the median: whatever else the machine does only ever adds time.
    return {way: min(seconds) for way, seconds in times.items()}


def fitting_micro_batch(
    network: nn.Module,
    size: tuple[int, int],
    batch: int,
    device: str,
    dtype: torch.dtype | None,
    channels_last: bool,
    *,
    frozen_norms: bool = False,
    reserved: int = 0,
) -> int:
    """Return the largest of batch, batch/2, batch/4, ... that the device has memory to train on.

    Args:
        network: backbone and head.
        size: (H, W) of the training crops.
        batch: photos to begin with.
        device: "cpu" or "cuda".
        dtype: of autocast; none is fp32.
        channels_last: memory order of the photos.
        frozen_norms: whether batch norms keep their statistics.
        reserved: bytes that training needs beside a pass, which is all that is tried here (`bytes_beside`).

    Raises:
        MemoryShortError: not even one photo fits.
    """
    while batch >= 1:
        try:
            _try_pass(network, size, Way(dtype, batch), device, channels_last, frozen_norms, reserved)
            return batch
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        torch.cuda.empty_cache()  # outside the handler: the failed pass is held by its traceback there
        batch //= 2
    raise MemoryShortError(
        f"the {device} device has no room to train on a single photo of {size}; choose a smaller --backbone"
    )


def _try_pass(
    network: nn.Module,
    size: tuple[int, int],
    way: Way,
    device: str,
    channels_last: bool,
    frozen_norms: bool,
    reserved: int,
) -> None:
    """Try a pass beside what is reserved, which goes with this frame."""
    held = torch.empty(reserved, dtype=torch.uint8, device=device)
    seconds_per_photo(network, size, [way], device, channels_last, frozen_norms=frozen_norms)
    del held


def bytes_beside(network: nn.Module, *, averaged: bool, pulled: bool) -> int:
    """Return the bytes that training holds beside weights, gradients and what a pass saves.

    Args:
        network: of which everything is counted as trained, as the last phase of a schedule may do.
        averaged: whether an average of the weights is kept.
        pulled: whether the start of the weights is kept, as L2-SP does.
    """
    weights = sum(parameter.nbytes for parameter in network.parameters() if parameter.is_floating_point())
    return weights * (2 + averaged + pulled)  # AdamW's two moments


def saved_bytes(network: nn.Module, size: tuple[int, int], *, photos: int = COUNTED) -> int:
    """Return what one photo leaves in memory for the backward pass, in bytes of float32; the same on every machine.

    Counted are the storages that autograd saves, each once, without the network's own parameters and buffers. What a
    pass makes once, such as an adapted kernel, is shared by the photos of the pass.

    Args:
        network: in the state that is asked about: what has `requires_grad`, what is in `eval()`. Left as it is.
        size: (H, W) of the photos.
        photos: B of the pass.
    """
    first = next(network.parameters())
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    x = torch.zeros(photos, 3, *size, device=first.device)
    with torch.enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor):
        answer = network(x)  # its graph holds what is saved, so that no address is given out twice
    del answer
    return round(sum(saved.values()) / photos)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
