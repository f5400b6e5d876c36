"""Claim: where a phase freezes the lower part of a network, running that part once makes its epochs many times as fast.

python benchmarks/prefix.py [PHOTOS] [--rounds 2]     speed: live and cached in turn, over the same views
python benchmarks/prefix.py [PHOTOS] --views          accuracy of heads that are trained on 1, 2, 4 or new views
python benchmarks/prefix.py --markdown                what was measured, in lines

PHOTOS is a split folder (shared clothing by default). A cell is one `visionft fit` in a process of its own, or for
speed a pair of them; a rate is that of the median epoch without its validation, `epoch` has the seconds of the median
one with it, and `whole` those of the process with everything in it: photos read, frozen part run, validation, test
figures. Speed is measured on a fourth of the training photos, with all validation photos.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from cells import RUNS, SHARED, Cells, told

from visionft import data
from visionft.runs import Run
from visionft.settings import DataSettings

CASES = {
    "mlp head": ["mobilenetv2_100", "--method", "head", "--head", "mlp"],
    "lora on the last third": ["vit_tiny_patch16_224", "--method", "lora", "--method.unfreeze", "0.33"],
}
SPEED_EPOCHS, VIEWS_EPOCHS = 4, 8
VIEWS = (None, 1, 2, 4)
SMALLEST = {"mobilenetv2_100": "test_resnet", "vit_tiny_patch16_224": "test_vit"}


def fit(photos: Path, case: str, name: str, small: bool, *flags: object) -> tuple[dict[str, Any], float]:
    """Fit in a process of its own; return the row of figures and the seconds of the process."""
    run = RUNS / f"prefix-{name}"
    shutil.rmtree(run, ignore_errors=True)
    backbone, *words = CASES[case]
    weights = SHARED / "weights" / f"{backbone}.safetensors"
    start = ["--backbone", backbone, "--weights", weights]
    if small:
        start = ["--backbone", SMALLEST[backbone], "--weights", "none", "--preprocess.size", 32, "--augment.size", 32]
    figures, seconds = told("-m", "visionft", "fit", photos, *start, *words, *flags, "--out", run, "--json")
    with (run / "metrics.csv").open(newline="") as file:
        epochs = [row for row in csv.DictReader(file) if int(row["epoch"]) > 0]
    rate, epoch = (median(float(row[name]) for row in epochs) for name in ("images_per_second", "seconds"))
    row = {key: round(figures[key], 4) for key in ("val_top1", "test_top1")}
    return {"images_per_second": round(rate, 1), "epoch": round(epoch, 3), "whole": round(seconds, 1), **row}, seconds


def pair(photos: Path, case: str, turn: int, small: bool) -> dict[str, Any]:
    """Fit live and cached, in an order that changes with the round; the second takes the first one's arithmetic.

    Each would choose it by a stopwatch of its own, and figures of two arithmetics are not those of one network.
    """
    chosen: list[object] = []
    budgets = {"live": ["--hardware.prefix-bytes", 0], "cached": []}
    found: dict[str, dict[str, Any]] = {}
    for way in sorted(budgets, reverse=bool(turn % 2)):
        common, name = ["--epochs", SPEED_EPOCHS, "--augment.views", 1, *chosen], f"{case.split()[0]}-{way}"
        found[way], _ = fit(photos, case, name, small, *common, *budgets[way])
        chosen = ["--hardware.precision", Run.open(RUNS / f"prefix-{name}").settings.hardware.precision]
    ratio = found["cached"]["images_per_second"] / found["live"]["images_per_second"]
    return {**found, "times_as_fast": round(ratio, 2)}


def accuracy(photos: Path, views: int | None, seed: int, small: bool) -> dict[str, Any]:
    """Train a head on so many views."""
    flags = ["--epochs", VIEWS_EPOCHS, "--augment.views", views or "none", "--seed", seed]
    row, _ = fit(photos, "mlp head", f"views-{views}-{seed}", small, *flags)
    return row


def sample(photos: Path, every: int) -> Path:
    """Return a manifest of every so manyth training photo, and of all others."""
    manifest = data.prepare(photos, DataSettings())
    place = RUNS / f"prefix-{photos.name}-{every}.csv"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["path", "label", "split"])
        for split in ("train", "validation", "test"):
            rows = manifest.rows(split)
            step = every if split == "train" else 1
            for index in range(0, len(rows), step):
                label = manifest.classes.names[int(rows.labels[index])]
                out.writerow([(manifest.root / rows.paths[index]).absolute(), label, split])
    return place


def lines(rows: list[dict[str, Any]]) -> str:
    """Return what was measured, a line a case."""
    found: list[str] = []
    for case in CASES:
        rounds = [row for row in rows if row["key"].get("case") == case]
        if rounds:
            ways = [
                f"{way} {median(row[way]['images_per_second'] for row in rounds):,.0f}" for way in ("live", "cached")
            ]
            times = [row["times_as_fast"] for row in rounds]
            epochs = [row["live"]["epoch"] / row["cached"]["epoch"] for row in rounds]
            found.append(
                f"{case}: images/s {', '.join(ways)}; {median(times):.1f} times, an epoch with its validation "
                f"{median(epochs):.1f} times (n = {len(times)})"
            )
    for row in (row for row in rows if row["key"]["what"] == "views"):
        key = row["key"]
        found.append(
            f"{key['views'] or 'new'} views, {VIEWS_EPOCHS} epochs, seed {key['seed']}: test {row['test_top1']:.1%}, "
            f"validation {row['val_top1']:.1%}, {row['whole']:.0f} s"
        )
    return "\n".join(found)


def main() -> None:
    """Do what the flags say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED / "data" / "clothing")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--views", action="store_true")
    parser.add_argument("--case", nargs="*", default=list(CASES))
    parser.add_argument("--smallest", action="store_true", help="tiny backbones from scratch")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out or "prefix")
    if given.markdown:
        print(lines(cells.rows))
        return
    if given.views:
        for seed in given.seeds:
            for views in VIEWS:
                key = {"what": "views", "set": given.photos.name, "views": views, "seed": seed}
                cells.measure(key, partial(accuracy, given.photos, views, seed, given.smallest))
        return
    photos = sample(given.photos, given.every)
    for turn in range(given.rounds):
        for case in given.case:
            key = {"what": "speed", "set": given.photos.name, "every": given.every, "case": case, "round": turn}
            cells.measure(key, partial(pair, photos, case, turn, given.smallest))


if __name__ == "__main__":
    main()
