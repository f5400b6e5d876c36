"""What the teacher sees in every view, early and at last: vectors of its cells, computed once, kept in memory maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from photos import Photos
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from views import view

from visionft import backbones
from visionft.backbones.pico import SIDE as STUDENT_SIDE
from visionft.backbones.pico import STAGES, TEACHER
from visionft.backbones.rewrites.fuse_bn import folded
from visionft.machine.devices import inference_dtype, pick_device
from visionft.preprocess import Preprocess
from visionft.settings import PreprocessSettings

Indices = NDArray[np.int64]
Found = tuple[Indices, NDArray[np.float32]]
SIDE, BATCH = 160, 64
GRID = 5
"""A view of SIDE pixels leaves GRID x GRID cells."""
DIMENSIONS = 256
"""Principal directions kept of the teacher's features."""
SAMPLE = 2_000


class Views(Dataset[tuple[torch.Tensor, int]]):
    """View `number` of each photo, in the order given."""

    def __init__(self, photos: Photos, seed: int, number: int, side: int, order: Indices) -> None:
        self.photos, self.seed, self.number, self.side, self.order = photos, seed, number, side, order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return (side, side, 3) uint8 and the photo's number."""
        photo = int(self.order[index])
        return torch.from_numpy(view(self.photos, self.seed, photo, self.number, self.side)), photo


class Memory:
    """Arrays of each (view, photo): asked for once, then read.

    Args:
        path: of the file.
        shape: (views, photos, cells, D).
        ask: yields (photos (B,), arrays (B, cells, D)) for view `number` of all photos, the last photo last.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int], ask: Callable[[int], Iterator[Found]]) -> None:
        self.ask = ask
        # A file of this size is mostly a hole until it is filled; rows of not-a-number would have to be written first.
        mode = "r+" if path.is_file() else "w+"
        self._kept = np.lib.format.open_memmap(path, mode=mode, dtype=np.float16, shape=shape)

    def of(self, number: int) -> NDArray[np.float16]:
        """Return (photos, cells, D) for view `number`."""
        kept: NDArray[np.float16] = self._kept[number]
        if not kept[-1].any():  # the last photo is written last; an answer is never all zero
            for photos, found in self.ask(number):
                kept[photos] = found.astype(np.float16)
            self._kept.flush()
        return kept


class Teacher:
    """A frozen backbone whose sight of each (view, photo) is kept.

    Args:
        weights: the backbone's file.
        photos: what it is shown.
        folder: where its sight is kept.
        views: different views of each photo.
        seed: of the views.
        workers: processes that render.

    Attributes:
        tokens: what its first stages make of a view in the student's size, (photos, 64, 96): the student's own stem
            is these stages, frozen.
        answers: its features of a view in its own size, (photos, GRID * GRID, D).
    """

    def __init__(self, weights: Path, photos: Photos, folder: Path, views: int, seed: int, workers: int) -> None:
        self.device = pick_device("auto")
        network = backbones.create(TEACHER, weights, 1).eval()
        self.preprocess: Preprocess = backbones.preprocess(network, PreprocessSettings())
        self.network = folded(network).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.photos, self.seed, self.workers = photos, seed, workers
        key = f"{backbones.sha256(weights)[:8]}-{photos.key}-{seed}"
        self.centre, self.basis = self._directions(folder / f"basis-{key}.npz")
        self.dimensions = self.basis.shape[1]
        everything = np.arange(len(photos))
        shape = (views, len(photos), GRID * GRID, self.dimensions)
        self.answers = Memory(folder / f"answers-{key}-{views}.npy", shape, lambda n: self._answered(n, everything))
        shape = (views, len(photos), *self._first_stages(torch.zeros(1, 3, *2 * (STUDENT_SIDE,))).shape[1:])
        self.tokens = Memory(
            folder / f"tokens-{key}-{views}.npy",
            shape,
            lambda n: self._asked(self._first_stages, STUDENT_SIDE, n, everything),
        )

    @torch.inference_mode()
    def _first_stages(self, images: Tensor) -> Tensor:
        """Map (B, 3, H, W) to (B, H / 16 * W / 16, 96)."""
        backbone: Any = self.network.backbone
        found: Tensor = backbone.bn1(backbone.conv_stem(images.to(self.device)))
        return backbone.blocks[:STAGES](found).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]

    def _last(self, images: Tensor) -> Tensor:
        """Map (B, 3, H, W) to (B, H / 32 * W / 32, 1280)."""
        backbone: Any = self.network.backbone
        return backbone.forward_features(images).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]

    def _answered(self, number: int, order: Indices) -> Iterator[Found]:
        for photos, found in self._asked(self._last, SIDE, number, order):
            yield photos, (found - self.centre) @ self.basis

    def _directions(self, path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the centre (F,) of the features and DIMENSIONS directions (F, D) in which they differ most.

        Features behind a ReLU6 all point into one corner: centred and scaled, their directions tell photos apart.
        """
        if not path.is_file():
            some = np.linspace(0, len(self.photos) - 1, min(SAMPLE, len(self.photos))).astype(np.int64)
            cells = np.stack([cell for _, found in self._asked(self._last, SIDE, 0, some) for cell in found])
            whole = cells.mean(1)
            centre, scale = whole.mean(0), whole.std(0) + 1e-3
            scaled = ((cells - centre) / scale).reshape(-1, cells.shape[-1]).astype(np.float64)
            directions = np.linalg.eigh(scaled.T @ scaled)[1][:, : -DIMENSIONS - 1 : -1]
            part = path.with_suffix(".part.npz")
            np.savez(part, centre=centre, basis=(directions / scale[:, None]).astype(np.float32))
            part.replace(path)
        kept = np.load(path)
        return kept["centre"], kept["basis"]

    @torch.inference_mode()
    def _asked(self, see: Callable[[Tensor], Tensor], side: int, number: int, order: Indices) -> Iterator[Found]:
        dtype = inference_dtype(self.device)
        loader = DataLoader(Views(self.photos, self.seed, number, side, order), BATCH, num_workers=self.workers)
        for pixels, photos in loader:
            with torch.autocast(self.device, dtype, enabled=dtype is not None):
                found = see(backbones.normalise(pixels, self.preprocess, self.device))
            yield photos.numpy(), found.float().cpu().numpy()
