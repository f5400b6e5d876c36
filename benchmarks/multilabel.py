"""Claim: several labels a photo are learnt better than by a plain loop, and unknown entries cost less masked.

python benchmarks/multilabel.py [PHOTOS] [--every 3] [--epochs 4] [--seeds 0]
python benchmarks/multilabel.py --markdown         the table

PHOTOS is a split folder of nested classes (shared grocery by default); a photo's labels are its class and all that lie
above it: Fruit, Fruit/Apple, Fruit/Apple/Pink-Lady. Every third photo of each class is taken. The cells, mAP on test
from the one function: `ours` (visionft fit at its defaults) beside `plain`, a bare PyTorch loop over binary
cross-entropy with the same backbone, weights, size and epochs, AdamW under one cycle, the better of three rates by
validation. And by solved heads: `known`, all entries; `masked`, half of the training entries unknown; `negative`, the
same half taken for negatives where they are.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import time
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from cells import RUNS, SHARED, Cells, told

BACKBONE, BATCH, RATES = "visionft_pico", 32, (3e-4, 1e-3, 3e-3)
SIDES = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
HALF = 0.5
Row = tuple[str, str, str]


def tagged(photos: Path, every: int) -> list[Row]:
    """Return path, labels and split of every so many photos of each class."""
    found = []
    for name, split in SIDES.items():
        root = photos / name
        folders = sorted({path.parent for path in root.rglob("*.jpg")}) if root.is_dir() else []
        for folder in folders:
            parts = folder.relative_to(root).parts
            labels = "|".join("/".join(parts[: depth + 1]) for depth in range(len(parts)))
            found += [(str(path), labels, split) for path in sorted(folder.glob("*.jpg"))[::every]]
    trained = {labels for _, labels, split in found if split == "train"}
    return [row for row in found if row[1] in trained]


def forgotten(rows: list[Row], seed: int, mark: str) -> list[Row]:
    """Forget half of the entries of training photos: each is named with `mark` before it, or not at all without one.

    The first photo of each label keeps it, as a label that no photo has cannot be learnt.
    """
    names = sorted({label for _, labels, _ in rows for label in labels.split("|")})
    first = {label: path for path, labels, split in reversed(rows) if split == "train" for label in labels.split("|")}
    random, found = np.random.default_rng(seed), []
    for path, labels, split in rows:
        lost = (random.random(len(names)) < HALF) & [first.get(name) != path for name in names]
        if split == "train":
            kept = [name for name, gone in zip(names, lost, strict=True) if not gone and name in labels.split("|")]
            marked = [mark + name for name, gone in zip(names, lost, strict=True) if gone and mark]
            labels = "|".join(kept + marked)
        found.append((path, labels, split))
    return found


def fit(rows: list[Row], name: str, seed: int, *words: object) -> dict[str, Any]:
    """Fit once in a process of its own."""
    RUNS.mkdir(parents=True, exist_ok=True)
    run, manifest = RUNS / f"multilabel-{name}-{seed}", RUNS / f"multilabel-{name}-{seed}.csv"
    shutil.rmtree(run, ignore_errors=True)
    with manifest.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    given = ("--task", "multilabel", "--backbone", BACKBONE, "--seed", seed, *words)
    figures, seconds = told("-m", "visionft", "fit", manifest, *given, "--out", run, "--json")
    shutil.rmtree(run)
    manifest.unlink()
    return {"seconds": round(seconds, 1), "test_map": round(figures["test_map"], 4)}


def plain(rows: list[Row], seed: int, epochs: int) -> dict[str, Any]:
    """Train by a bare loop at each rate, and keep the one of the best mAP on validation."""
    began = time.monotonic()
    tried = [(*_loop(rows, seed, epochs, rate), rate) for rate in RATES]
    best = max(tried)
    return {"seconds": round(time.monotonic() - began, 1), "test_map": round(best[1], 4), "rate": best[2]}


def _loop(rows: list[Row], seed: int, epochs: int, rate: float) -> tuple[float, float]:
    """Return mAP on validation and on test."""
    import torch
    from PIL import Image
    from torch.nn import functional as F
    from torch.utils.data import DataLoader
    from torchvision import transforms

    from visionft import backbones
    from visionft.settings import PreprocessSettings
    from visionft.tasks.multilabel.average_precision import average_precision

    torch.manual_seed(seed)
    names = sorted({label for _, labels, _ in rows for label in labels.split("|")})
    network = backbones.create(BACKBONE, "hub", len(names))
    config = backbones.preprocess(network, PreprocessSettings())
    end = [transforms.ToTensor(), transforms.Normalize(config.mean, config.std)]
    crop = [transforms.RandomResizedCrop(config.size, (0.35, 1.0)), transforms.RandomHorizontalFlip()]
    same = [transforms.Resize(config.resize_to), transforms.CenterCrop(config.size)]

    def item(change: Any, row: Row) -> tuple[Any, Any]:
        truth = [float(name in row[1].split("|")) for name in names]
        return change(Image.open(row[0]).convert("RGB")), torch.tensor(truth)

    def loader(split: str, change: list[Any], shuffled: bool) -> Any:
        chosen = [row for row in rows if row[2] == split]
        read = partial(item, transforms.Compose([*change, *end]))
        return DataLoader(chosen, BATCH, shuffle=shuffled, collate_fn=lambda own: _stacked(map(read, own)))

    def scored(split: str) -> float:
        network.eval()
        with torch.inference_mode():
            pairs = [(network(x).numpy(), y.numpy()) for x, y in loader(split, same, False)]
        logits, truth = (np.concatenate(part) for part in zip(*pairs, strict=True))
        return float(np.nanmean(average_precision(logits, truth.astype(np.int8))))

    train = loader("train", crop, True)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.05)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * len(train))
    for _ in range(epochs):
        network.train()
        for x, y in train:
            F.binary_cross_entropy_with_logits(network(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()
            rates.step()
    return scored("validation"), scored("test")


def _stacked(items: Any) -> tuple[Any, Any]:
    import torch

    pixels, truth = zip(*items, strict=True)
    return torch.stack(pixels), torch.stack(truth)


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table: a line for each way, means over the seeds."""
    ways = dict.fromkeys(row["key"]["way"] for row in rows)
    lines = [(way, [row for row in rows if row["key"]["way"] == way]) for way in ways]
    means = [
        (way, *(mean(row[name] for row in own) for name in ("test_map", "seconds")), len(own)) for way, own in lines
    ]
    told_lines = [f"| {way} | {score:.1%} | {seconds:.0f} | {n} |" for way, score, seconds, n in means]
    return "\n".join(["| way | mAP on test | seconds | n |", "|---|---|---|---|", *told_lines])


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED / "data" / "grocery")
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--out", type=Path, help="a file of cells; none: results/multilabel.jsonl")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out or "multilabel")
    if given.markdown:
        print(markdown(cells.rows))
        return
    rows = tagged(given.photos, given.every)
    for seed in given.seeds:
        solved = ("--method", "head")
        ways = {
            "known": partial(fit, rows, "known", seed, *solved),
            "masked": partial(fit, forgotten(rows, seed, "?"), "masked", seed, *solved),
            "negative": partial(fit, forgotten(rows, seed, ""), "negative", seed, *solved),
            "ours": partial(fit, rows, "ours", seed, "--epochs", given.epochs),
            "plain": partial(plain, rows, seed, given.epochs),
        }
        for way, work in ways.items():
            key = {"way": way, "set": given.photos.name, "every": given.every, "epochs": given.epochs, "seed": seed}
            cells.measure(key, work)


if __name__ == "__main__":
    main()
