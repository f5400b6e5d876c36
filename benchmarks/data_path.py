"""Claim: training photos come faster through visionft than through the loaders of torchvision and timm, on one core.

python benchmarks/data_path.py [--photos FOLDER]     needs shared photos, or a folder of class folders
python benchmarks/data_path.py --markdown            prints the table of docs/measured.md from what was measured

Counted is a photo from its file to the float batch that a step takes: decoded, a random crop of 35 to 100 % resized to
224 pixels, flipped half the time, stacked in batches of 32 and normalised. One process, one thread, no workers, the
files in the page cache. The loaders take turns, each passes once over the same photos in each round and each is first
as often as any other; a ratio is that of one round, the median and the quartiles are over rounds.

`cold` decodes every photo; `cached` reads the decoded photos that it kept in a pass before. The larger photos are the
same ones, three times as wide and high, saved with quality 90.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from cells import SHARED, Cells
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from visionft import backbones, data
from visionft.data.caches import cache_folder
from visionft.machine.memory import keep_freed_memory
from visionft.preprocess import Preprocess
from visionft.settings import AugmentSettings, DataSettings

SIZE, BATCH, CROP = 224, 32, (0.35, 1.0)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PREPROCESS = Preprocess((SIZE, SIZE), "shortest", 256, "bicubic", MEAN, STD)
SETS = {1: 640, 3: 192}  # scale of the photos: how many; a pass over either takes some seconds
CHAMPION = "torchvision"
NAMES = {
    "torchvision": "torchvision, ImageFolder",
    "timm": "timm, create_loader",
    "fastai": "fastai, ImageDataLoaders",
    "cold": "visionft, cold",
    "cached": "visionft, cached",
}

Pass = Callable[[], Iterable[Tensor]]


def ours(folder: Path, budget: int | None) -> Pass:
    """Return passes over batches of ours: from the files, or within a budget from what is kept."""
    manifest = data.prepare(folder, DataSettings(layout="splits"))
    store = None if budget is None else data.Decoded(data.side_of((SIZE, SIZE)), budget)
    fill = PREPROCESS.fill
    settings = AugmentSettings(strength="light")
    photos = data.TrainPhotos(manifest.rows("train"), manifest.root, settings, (SIZE, SIZE), fill, 0, store)
    loader, epoch = data.TrainLoader(photos, BATCH, seed=0), iter(range(10**9))

    def batches() -> Iterator[Tensor]:
        loader.set_epoch(next(epoch))
        for pixels, _, _ in loader:
            yield backbones.normalise(pixels, PREPROCESS, "cpu")

    return batches


def torchvision(folder: Path) -> Pass:
    """Return passes as torchvision's own references make them."""
    from torchvision import transforms as T
    from torchvision.datasets import ImageFolder

    changes = [T.RandomResizedCrop(SIZE, scale=CROP), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize(MEAN, STD)]
    dataset = ImageFolder(folder / "train", T.Compose(changes))
    loader = DataLoader(dataset, BATCH, shuffle=True, drop_last=True)
    return lambda: (pixels for pixels, _ in loader)


def timm(folder: Path) -> Pass:
    """Return passes of timm's loader: its transforms for training without colour, and without its CUDA prefetcher."""
    from timm.data import create_dataset, create_loader

    dataset = create_dataset("", root=str(folder / "train"))
    loader = create_loader(
        dataset, (3, SIZE, SIZE), BATCH, is_training=True, use_prefetcher=False, scale=CROP, color_jitter=None,
        mean=MEAN, std=STD, num_workers=0, persistent_workers=False,
    )  # fmt: skip
    return lambda: (pixels for pixels, _ in loader)


def fastai(folder: Path) -> Pass:
    """Return passes of fastai's loader: it crops photo by photo, flips and normalises batches."""
    from fastai.vision.all import Flip, ImageDataLoaders, Normalize, RandomResizedCrop

    loaders = ImageDataLoaders.from_folder(
        folder, train="train", valid="validation", bs=BATCH, num_workers=0, device=torch.device("cpu"),
        item_tfms=RandomResizedCrop(SIZE, min_scale=CROP[0]), batch_tfms=[Flip(), Normalize.from_stats(MEAN, STD)],
    )  # fmt: skip
    return lambda: (pixels for pixels, _ in loaders.train)


def ways(folder: Path) -> dict[str, Pass]:
    """Return everything that is timed; fastai only where it is installed."""
    found = {"torchvision": torchvision(folder), "timm": timm(folder)}
    if find_spec("fastai"):
        found["fastai"] = fastai(folder)
    return {**found, "cold": ours(folder, None), "cached": ours(folder, 10**12)}


def measure(photos: Path, scale: int, n: int, rounds: int) -> dict[str, Any]:
    """Time all ways in turn over `n` of the photos."""
    with tempfile.TemporaryDirectory() as place:
        os.environ[cache_folder.VARIABLE] = f"{place}/cache"
        folder = Path(place) / "photos"
        size, count = copied(photos, folder, scale, n)
        passes = ways(folder)
        seconds = {name: [timed(batches)] for name, batches in passes.items()}  # warms up, and fills the cache
        for turn in range(rounds):
            names = list(passes)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                seconds[name].append(timed(passes[name]))
    return {"photos": count, "median_pixels": size, "rounds": rounds, "threads": 1, **figures(seconds)}


def copied(photos: Path, folder: Path, scale: int, n: int) -> tuple[list[int], int]:
    """Copy every so-many-th photo, `scale` times as wide and high; return a median (W, H) and the number of photos."""
    files = sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    sizes = []
    for number, path in enumerate(files[:: max(1, len(files) // n)][:n]):
        split = "train" if number >= 2 else "validation"  # a split folder has both
        place = folder / split / path.parent.name / f"{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as picture:
            sizes.append((picture.width * scale, picture.height * scale))
            if scale == 1:
                shutil.copy(path, place)
            else:
                picture.convert("RGB").resize(sizes[-1], Image.Resampling.BICUBIC).save(place, quality=90)
    return [int(side) for side in np.median(sizes, axis=0)], len(sizes) - 2


def timed(batches: Pass) -> float:
    """Return the seconds a photo of one pass."""
    began, n = time.perf_counter(), 0
    for pixels in batches():
        assert pixels.shape[1:] == (3, SIZE, SIZE)
        assert pixels.dtype == torch.float32
        n += len(pixels)
    return (time.perf_counter() - began) / n


def figures(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Return images a second and ratios to torchvision's, without the first pass."""
    counted = {name: values[1:] for name, values in seconds.items()}
    speeds = {name: round(1 / statistics.median(values), 1) for name, values in counted.items()}
    return {"images_per_second": speeds, "times_as_fast": {name: _ratio(counted, name) for name in counted}}


def _ratio(seconds: dict[str, list[float]], name: str) -> list[float]:
    """Return median and quartiles of the rounds' ratios."""
    ratios = [champion / own for champion, own in zip(seconds[CHAMPION], seconds[name], strict=True)]
    return [round(float(value), 2) for value in np.quantile(ratios, (0.5, 0.25, 0.75))]


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table of docs/measured.md: a row a loader, a column a set."""
    heads = [" by ".join(map(str, row["median_pixels"])) for row in rows]
    lines = ["| images a second on one core | " + " | ".join(heads) + " |", "|---" * (len(rows) + 1) + "|"]
    for name, words in NAMES.items():
        lines.append(f"| {words} | " + " | ".join(_cell(row, name) for row in rows) + " |")
    return "\n".join(lines)


def _cell(row: dict[str, Any], name: str) -> str:
    if name not in row["images_per_second"]:
        return "not installed here"
    speed, (ratio, low, high) = row["images_per_second"][name], row["times_as_fast"][name]
    return f"{speed:,.0f}" if name == CHAMPION else f"{speed:,.0f} ({ratio:.2f} times; {low:.2f} to {high:.2f})"


def main() -> None:
    """Measure each scale of the photos, or print what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, default=SHARED / "data" / "clothing" / "train")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--limit", type=int, default=max(SETS.values()), help="photos of a set")
    parser.add_argument("--out", type=Path, help="a file of cells; none: results/data_path.jsonl")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    cells = Cells(arguments.out or "data_path")
    if arguments.markdown:
        print(markdown(cells.rows))
        return
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    keep_freed_memory()  # as every fit does; it serves all loaders
    for scale, n in SETS.items():
        key = {"photos": arguments.photos.parent.name, "scale": scale, "size": SIZE, "batch": BATCH}
        wanted = min(n, arguments.limit) + 2
        cells.measure(key, lambda s=scale, k=wanted: measure(arguments.photos, s, k, arguments.rounds))


if __name__ == "__main__":
    main()
