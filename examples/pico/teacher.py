"""The teacher's features of every view, computed once and kept in a memory map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from photos import Photos
from torch.utils.data import DataLoader, Dataset
from views import view

from visionft import backbones
from visionft.preprocess import Preprocess
from visionft.settings import PreprocessSettings
from visionft.training.hardware import inference_dtype

BACKBONE, SIDE, BATCH = "mobilenetv2_100", 160, 64


class Views(Dataset[tuple[torch.Tensor, int]]):
    """View `number` of each photo, in the order given."""

    def __init__(self, photos: Photos, seed: int, number: int, side: int, order: NDArray[np.int64]) -> None:
        self.photos, self.seed, self.number, self.side, self.order = photos, seed, number, side, order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return (side, side, 3) uint8 and the photo's number."""
        photo = int(self.order[index])
        return torch.from_numpy(view(self.photos, self.seed, photo, self.number, self.side)), photo


class Teacher:
    """A frozen backbone whose features are kept for each (view, photo).

    Args:
        weights: the backbone's file.
        photos: what it is shown.
        folder: where the features are kept.
        views: different views of each photo.
        seed: of the views.
        workers: processes that render.
    """

    def __init__(self, weights: Path, photos: Photos, folder: Path, views: int, seed: int, workers: int) -> None:
        network = backbones.create(BACKBONE, weights, 1).eval()
        self.network, self.photos, self.seed, self.workers = network, photos, seed, workers
        self.preprocess: Preprocess = backbones.preprocess(network, PreprocessSettings())
        self.width = network.features
        path = folder / f"features-{backbones.sha256(weights)[:8]}-{len(photos)}-{views}-{seed}.npy"
        shape = (views, len(photos), network.features)
        # A file of this size is mostly a hole until it is filled; rows of not-a-number would have to be written first.
        mode = "r+" if path.is_file() else "w+"
        self._kept = np.lib.format.open_memmap(path, mode=mode, dtype=np.float16, shape=shape)

    def of(self, number: int) -> NDArray[np.float16]:
        """Return (N, D) features of view `number` of all photos."""
        kept: NDArray[np.float16] = self._kept[number]
        if not kept[-1].any():  # the last photo is written last; features of a photo are never all zero
            self._fill(number)
        return kept

    @torch.inference_mode()
    def _fill(self, number: int) -> None:
        network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
        dtype = inference_dtype("cpu")
        order = np.arange(len(self.photos))
        loader = DataLoader(Views(self.photos, self.seed, number, SIDE, order), BATCH, num_workers=self.workers)
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            for pixels, photos in loader:
                found = network.embed(backbones.normalise(pixels, self.preprocess, "cpu"))
                self._kept[number, photos.numpy()] = found.float().numpy().astype(np.float16)
        self._kept.flush()
