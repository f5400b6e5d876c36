"""Claim: a head that knows the taxonomy errs less at the coarse levels than a flat one, and 99 % of sure answers hold.

python benchmarks/taxonomy.py [PHOTOS] [--every 2] [--backbone mobilenetv2_100 --weights FILE] [--seeds 0]
python benchmarks/taxonomy.py --markdown           the table

PHOTOS is a split folder of nested classes (shared grocery by default); every so many photos of each class are taken.
Those of train and validation are put together and validation is drawn anew (`--validation 0.3`), as grocery's own has
too few photos to assure 99 % of anything; test stays as it is. The ways: `flat`, the task classification on the same
paths, whose answer at a coarse level is the parent of its class; `tree`, the task hierarchical; `hxe`, by epochs alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from cells import RUNS, SHARED, Cells, told

BACKBONE = "visionft_pico"
SIDES = {"train": "train", "val": "train", "validation": "train", "test": "test"}
Row = tuple[str, str, str]


def labelled(photos: Path, every: int) -> list[Row]:
    """Return path, class and side of every so many photos of each class that has training photos."""
    found = []
    for name, side in SIDES.items():
        root = photos / name
        for folder in sorted({path.parent for path in root.rglob("*.jpg")}) if root.is_dir() else []:
            label = "/".join(folder.relative_to(root).parts)
            found += [(str(path), label, side) for path in sorted(folder.glob("*.jpg"))[::every]]
    trained = {label for _, label, side in found if side == "train"}
    return [row for row in found if row[1] in trained]


def line(name: str) -> list[str]:
    """Return a name and all that lie above it, from the top."""
    levels = name.split("/")
    return ["/".join(levels[: depth + 1]) for depth in range(len(levels))]


def by_level(truth: list[str], answers: list[str]) -> list[float]:
    """Return the accuracy at each level of classes by their names: a class above a level stands for itself."""
    deepest = max(len(line(name)) for name in truth)
    return [
        mean(line(a)[:depth][-1] == line(b)[:depth][-1] for a, b in zip(truth, answers, strict=True))
        for depth in range(1, deepest + 1)
    ]


def fit(rows: list[Row], name: str, given: argparse.Namespace, seed: int, *words: object) -> dict[str, Any]:
    """Fit and evaluate once, each in a process of its own."""
    RUNS.mkdir(parents=True, exist_ok=True)
    run, manifest = RUNS / f"taxonomy-{name}-{seed}", RUNS / f"taxonomy-{name}-{seed}.csv"
    shutil.rmtree(run, ignore_errors=True)
    with manifest.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    weights = ("--weights", given.weights) if given.weights else ()
    common = ("--backbone", given.backbone, *weights, "--seed", seed, "--data.validation", given.validation)
    _, seconds = told("-m", "visionft", "fit", manifest, *common, *words, "--out", run, "--json")
    found = read(run) | {"seconds": round(seconds, 1), "test": sum(row[2] == "test" for row in rows)}
    shutil.rmtree(run)
    manifest.unlink()
    return found


def read(run: Path) -> dict[str, Any]:
    """Return the figures on test: accuracy by level of the most probable leaf and of each level, and sure answers."""
    folder = run / "evaluation" / "test"
    metrics = json.loads((folder / "metrics.json").read_text())
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    leaves = by_level([row["truth"] for row in rows], [row["label"] for row in rows])
    found = {"top1": metrics["top1"], "by_leaf": leaves, "log_loss": metrics["log_loss"]}
    if "levels" in metrics:
        levels = [(level["accuracy"], level["interval"]) for level in metrics["levels"]]
        fitted = json.loads((run / "calibration.json").read_text())
        found |= {"by_level": levels, "sure": metrics["sure"], "distance": metrics["distance"], "fitted": fitted}
    return found


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table: a line for each way, means over the seeds."""
    lines = [
        "| way | accuracy by level, top first | sure answers right | photos answered | seconds | n |",
        "|---|---|---|---|---|---|",
    ]
    for way in dict.fromkeys(row["key"]["way"] for row in rows):
        own = [row for row in rows if row["key"]["way"] == way]
        levels = [[pair[0] for pair in row["by_level"]] if "by_level" in row else row["by_leaf"] for row in own]
        told_levels = ", ".join(f"{mean(column):.1%}" for column in zip(*levels, strict=True))
        sure = [row["sure"] for row in own if "sure" in row]
        right = f"{mean(each['precision'] for each in sure):.2%}" if sure else ""
        answered = f"{mean(each['answered'] for each in sure):.1%}" if sure else ""
        lines.append(
            f"| {way} | {told_levels} | {right} | {answered} | {mean(row['seconds'] for row in own):.0f} | {len(own)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED / "data" / "grocery")
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--backbone", default=BACKBONE)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--validation", type=float, default=0.3)
    parser.add_argument("--method", default="head")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--out", type=Path, help="a file of cells; none: results/taxonomy.jsonl")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out or "taxonomy")
    if given.markdown:
        print(markdown(cells.rows))
        return
    rows = labelled(given.photos, given.every)
    method = ("--method", given.method, *(() if given.method == "head" else ("--epochs", given.epochs)))
    ways: dict[str, tuple[object, ...]] = {"flat": method, "tree": (*method, "--task", "hierarchical")}
    if given.method != "head":
        ways["hxe"] = (*ways["tree"], "--loss", "hxe")
    for seed in given.seeds:
        for way, words in ways.items():
            key = {
                "way": way, "set": given.photos.name, "every": given.every, "backbone": given.backbone,
                "method": given.method, "validation": given.validation, "seed": seed,
            }  # fmt: skip
            cells.measure(key, partial(fit, rows, way, given, seed, *words))


if __name__ == "__main__":
    main()
