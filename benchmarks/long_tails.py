"""Claim: what makes up for rare classes raises the accuracy of the tail, and costs some of the head's.

python benchmarks/long_tails.py PHOTOS          a folder of splits; its training photos are thinned to a long tail
python benchmarks/long_tails.py --markdown      the table

Training photos of the classes fall from all of the largest class to 1 in 100 of it, exponentially (as CIFAR-LT, arXiv
1901.05555); which class is where in the tail is drawn by the seed. Validation is thinned as training is, test is whole.
A cell is one way of learning and one seed, with the solved head on frozen visionft_pico.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cells

import visionft as vft

RATIO = 100
WAYS: dict[str, dict[str, Any]] = {
    "none": {},
    "balanced weights": {"optim.class_weights": "balanced"},
    "effective weights": {"optim.class_weights": "effective"},
    "square-root sampling": {"data.sampling": "sqrt"},
    "logit adjustment": {"optim.logit_adjustment": 1.0},
}
SIDES = {"train": "train", "validation": "validation", "test": "test"}


def write_manifest(photos: Path, seed: int, file: Path) -> dict[str, int]:
    """Write the thinned photos; return the training photos of each class."""
    random = np.random.default_rng(seed)
    classes = sorted(place.name for place in (photos / "train").iterdir() if place.is_dir())
    place = random.permutation(len(classes)) / (len(classes) - 1)
    lines, counts = ["path,label,split"], {}
    for split in SIDES:
        found = {name: sorted((photos / split / name).iterdir()) for name in classes}
        most = max(map(len, found.values()))
        for name, at in zip(classes, place, strict=True):
            wanted = max(1, round(most * RATIO**-at)) if split != "test" else len(found[name])
            kept = [found[name][i] for i in sorted(random.permutation(len(found[name]))[:wanted])]
            lines += [f"{path},{name},{SIDES[split]}" for path in kept]
            counts.update({name: len(kept)} if split == "train" else {})
    file.write_text("\n".join(lines) + "\n")
    return counts


def measure(photos: Path, way: str, seed: int) -> dict[str, Any]:
    """Fit one way, and measure test."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "photos.csv"
        counts = write_manifest(photos, seed, manifest)
        flags = {"backbone": "visionft_pico", "method": "head", "seed": seed, "report": {"pictures": "none"}}
        run = vft.fit(manifest, out=Path(folder) / "run", say=lambda _: None, **flags, **WAYS[way])
        found = vft.evaluate(run, split="test", out=Path(folder) / "figures")
    return {
        "training": counts,
        "n": found.metrics.n,
        "top1": found.metrics.top1,
        "balanced_accuracy": found.metrics.balanced_accuracy,
        "shots": [one.to_json() for one in found.shots],
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return one line a way, means over seeds."""
    lines = ["| way | seeds | top-1 | mean over classes | head | middle | tail |", "|---" * 7 + "|"]
    for way in WAYS:
        own = [row for row in rows if row["key"]["way"] == way]
        if not own:
            continue
        parts = [{one["name"]: one["accuracy"] for one in row["shots"]} for row in own]
        means = [np.mean([part[name] for part in parts if name in part]) for name in ("head", "middle", "tail")]
        top1, even = (np.mean([row[name] for row in own]) for name in ("top1", "balanced_accuracy"))
        figures = " | ".join(f"{value:.1%}" for value in (top1, even, *means))
        lines.append(f"| {way} | {len(own)} | {figures} |")
    return "\n".join(lines)


def main() -> None:
    """Measure ways that are not measured yet, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("long_tails")
    if given.markdown:
        print(markdown(cells.rows))
        return
    if given.photos is None:
        parser.error("no photos were given; give a folder with train, validation and test, or --markdown")
    for seed in range(given.seeds):
        for way in WAYS:
            key = {"photos": given.photos.name, "way": way, "seed": seed}
            cells.measure(key, partial(measure, given.photos, way, seed))


if __name__ == "__main__":
    main()
