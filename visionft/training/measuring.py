"""Measure one training step before step 0: which arithmetic is fastest here, what fits, how long the run will take."""

from __future__ import annotations

import copy
import time

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from visionft.errors import MemoryShortError

ROUNDS = 4
COUNTED = 8  # photos of the pass in which saved bytes are counted: a micro-batch on a processor
WORTH_IT = 1.15  # a dtype with less range has to be this much faster to be chosen


def seconds_per_photo(
    network: nn.Module,
    size: tuple[int, int],
    batch: int,
    device: str,
    dtypes: list[torch.dtype | None],
    channels_last: bool,
) -> dict[torch.dtype | None, float]:
    """Time forward and backward of all weights on synthetic photos, the dtypes in turn, on a copy of the network.

    Args:
        network: backbone and head.
        size: (H, W) of the training crops.
        batch: photos a pass.
        device: "cpu" or "cuda".
        dtypes: autocast dtypes to compare; none is fp32.
        channels_last: memory order of the photos.
    """
    trial = copy.deepcopy(network).to(device).train()
    order = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.zeros(batch, 3, *size, device=device).contiguous(memory_format=order)
    times: dict[torch.dtype | None, list[float]] = {dtype: [] for dtype in dtypes}
    for round_number in range(ROUNDS + 1):
        for dtype in dtypes:
            began = time.perf_counter()
            with torch.autocast(device, dtype or torch.bfloat16, enabled=dtype is not None):
                loss = trial(x).float().square().mean()
            loss.backward()
            _wait(device)
            if round_number:  # the first round warms up
                times[dtype].append((time.perf_counter() - began) / batch)
            trial.zero_grad(set_to_none=True)
    # The least, not the median: whatever else the machine does only ever adds time.
    return {dtype: min(seconds) for dtype, seconds in times.items()}


def fitting_micro_batch(
    network: nn.Module, size: tuple[int, int], batch: int, device: str, dtype: torch.dtype | None, channels_last: bool
) -> int:
    """Return the largest of batch, batch/2, batch/4, ... that the device has memory to train on.

    Raises:
        MemoryShortError: not even one photo fits.
    """
    while batch >= 1:
        try:
            seconds_per_photo(network, size, batch, device, [dtype], channels_last)
            return batch
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            batch //= 2
    raise MemoryShortError(
        f"the {device} device has no room to train on a single photo of {size}; choose a smaller --backbone"
    )


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
