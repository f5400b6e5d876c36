"""From batches of uint8 photos to logits and embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from visionft.backbones.network import Network
from visionft.backbones.rewrites.fuse_bn import Folding
from visionft.machine.memory import is_out_of_memory
from visionft.preprocess import Preprocess

Answer = Literal["logits", "features", "embedding"]
"""`features` are what the head gets; the `embedding` is the same, or what the head made of them where it projects."""
Batch = tuple[Tensor, Tensor, Tensor]


def normalise(pixels: Tensor, preprocess: Preprocess, device: torch.device | str) -> Tensor:
    """Turn photos (B, H, W, 3) of uint8 into the network's input (B, 3, H, W) of float32, in channels_last memory."""
    height, width = pixels.shape[1:3]
    scale, shift = _affine(preprocess.mean, preprocess.std, width, str(device))
    sent = pixels.to(device, non_blocking=True)
    floats = sent.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    # Whole rows at a time: over the last axis alone the loops would be three numbers long, and 20 times slower.
    floats.view(len(floats), height, width * 3).mul_(scale).add_(shift)
    return floats.permute(0, 3, 1, 2)


@lru_cache(maxsize=16)
def _affine(mean: tuple[float, ...], std: tuple[float, ...], width: int, device: str) -> tuple[Tensor, Tensor]:
    """Return scale and shift of a row of pixels, each (width * 3,)."""
    with torch.inference_mode(False):  # else a tensor first made in evaluation would be of no use to autograd later
        m, s = torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64)
        rows = ((1 / (255 * s)).float().repeat(width), (-m / s).float().repeat(width))
        # The first of them may be asked for within a step, which waits for nothing.
        return rows[0].to(device, non_blocking=True), rows[1].to(device, non_blocking=True)


class Forward:
    """One evaluation pass through a network, batch by batch: its batch norms are folded once, as it begins.

    Args:
        network: in `eval()`, on `device`.
        preprocess: its mean and std are applied; the pixels are already resized and cropped.
        device: where the network is.
        want: without `logits` the head is not run, unless the embedding is its answer.
    """

    @torch.inference_mode()
    def __init__(
        self, network: Network, preprocess: Preprocess, device: torch.device | str, want: Sequence[Answer]
    ) -> None:
        self._preprocess, self._device, self._want = preprocess, device, want
        with torch.autocast(torch.device(device).type, enabled=False):
            self._folding = Folding(network)

    def refresh(self) -> None:
        """Follow the network, whose weights changed since."""
        self._folding.refresh()

    def __call__(self, pixels: Tensor) -> dict[Answer, NDArray[np.float32]]:
        """Answer photos (B, H, W, 3) uint8: as wanted `logits` (B, C), `features` (B, D) and `embedding` (B, E).

        None of them is L2-normalised.

        Where the device has no room for all of them it answers one half after the other.
        """
        try:
            return self._answered(pixels)
        except RuntimeError as error:
            if len(pixels) < 2 or not is_out_of_memory(error):
                raise
        torch.cuda.empty_cache()  # outside the handler: the failed pass is held by its traceback there
        halves = [self(half) for half in pixels.chunk(2)]
        return {key: np.concatenate([half[key] for half in halves]) for key in halves[0]}

    @torch.inference_mode()
    def _answered(self, pixels: Tensor) -> dict[Answer, NDArray[np.float32]]:
        quick = self._folding.network
        features = quick.embed(normalise(pixels, self._preprocess, self._device))
        asked = "logits" in self._want or (quick.projects and "embedding" in self._want)
        outputs = quick.head(features) if asked else features
        answers = {"logits": outputs, "features": features, "embedding": quick.described(features, outputs)}
        return {key: answers[key].float().cpu().numpy() for key in self._want}


@contextmanager
def forward_context(
    network: Network,
    preprocess: Preprocess,
    *,
    device: torch.device | str,
    dtype: torch.dtype | None = None,
    want: Sequence[Answer] = ("logits", "embedding"),
) -> Iterator[Forward]:
    """Put the network into `eval()` while batches go through it, and leave the modules' modes as they were.

    Args:
        network: already on `device`.
        preprocess: as in `Forward`.
        device: where the network is.
        dtype: bfloat16 or float16 for autocast; none: float32 throughout.
        want: as in `Forward`.
    """
    with eval_mode(network), torch.autocast(torch.device(device).type, dtype, enabled=dtype is not None):
        yield Forward(network, preprocess, device, want)


def forward_batches(
    network: Network,
    batches: Iterable[Batch],
    preprocess: Preprocess,
    *,
    device: torch.device | str,
    dtype: torch.dtype | None = None,
    want: Sequence[Answer] = ("logits", "embedding"),
) -> dict[str, NDArray[Any]]:
    """Answer all batches in one pass; see `forward_context`.

    Args:
        network: already on `device`.
        batches: (photos (B, H, W, 3) uint8, labels (B,), indices (B,)).
        preprocess: its mean and std are applied; the pixels are already resized and cropped.
        device: where the network is.
        dtype: bfloat16 or float16 for autocast; none: float32 throughout.
        want: without `logits` the head is not run, unless the embedding is its answer.

    Returns:
        `labels` (N,), of classes int64, and `indices`, int64 (N,); as wanted, float32 and not
        L2-normalised, `logits` (N, C), `features` (N, D) and `embedding` (N, E).
    """
    widths = {
        "logits": network.num_classes,
        "features": network.features,
        "embedding": network.embedding_size,
    }
    kept: dict[str, list[NDArray[Any]]] = {key: [np.empty((0, widths[key]), np.float32)] for key in want}
    kept |= {"labels": [], "indices": [np.empty(0, np.int64)]}
    with forward_context(network, preprocess, device=device, dtype=dtype, want=want) as forward:
        for pixels, labels, indices in batches:
            for key, values in forward(pixels).items():
                kept[key].append(values)
            kept["labels"].append(labels.numpy())
            kept["indices"].append(indices.numpy())
    return {key: np.concatenate(parts or [np.empty(0, np.int64)]) for key, parts in kept.items()}


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Put every module into `eval()` while the block runs, and back into its own mode afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
