"""Asked: does a head that knows the taxonomy err less than a flat one, level by level, and do its sure answers hold?

python benchmarks/taxonomy.py [PHOTOS] [--every 2] [--backbone mobilenetv2_100 --weights FILE] [--seeds 0]
python benchmarks/taxonomy.py --markdown           the table

PHOTOS is a split folder of nested classes (shared grocery by default); every so many photos of each class are taken.
Those of train and validation are put together and validation is drawn anew (`--validation 0.3`), as grocery's own has
too few photos to assure 99 % of anything. Test stays as it is, or is drawn anew too (`--pooled`): grocery's own was
taken in other shops, and what holds for photos like those of validation need not hold there. The ways: `flat`, the task
classification on the same paths, whose answer at a coarse level is the parent of its class; `tree`, the task
hierarchical; `hxe`, by epochs alone.
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

import numpy as np
from cells import RUNS, SHARED, Cells, told

BACKBONE = "visionft_pico"
SIDES = {"train": "train", "val": "train", "validation": "train", "test": "test"}
POOLED = "drawn anew"
Row = tuple[str, str, str]


def labelled(photos: Path, every: int, pooled: bool) -> list[Row]:
    """Return path, class and side of every so many photos of each class that has training photos.

    Args:
        photos: the split folder.
        every: so manieth photo of each class.
        pooled: leave all sides to be drawn.
    """
    found = []
    for name, side in SIDES.items():
        root = photos / name
        for folder in sorted({path.parent for path in root.rglob("*.jpg")}) if root.is_dir() else []:
            label = "/".join(folder.relative_to(root).parts)
            found += [(str(path), label, side) for path in sorted(folder.glob("*.jpg"))[::every]]
    trained = {label for _, label, side in found if side == "train"}
    found = [row for row in found if row[1] in trained]
    return [(path, label, "") for path, label, _ in found] if pooled else found


def line(name: str) -> list[str]:
    """Return a name and all that lie above it, from the top."""
    levels = name.split("/")
    return ["/".join(levels[: depth + 1]) for depth in range(len(levels))]


def rights(rows: list[dict[str, str]]) -> list[str]:
    """Return for each level, from the top, whether each photo is answered rightly there, as a text of 0 and 1.

    A class that lies above a level stands for itself. The answer at a level is the one that the run gives for it, else
    what lies above its class.
    """
    deepest = max(len(line(row["truth"])) for row in rows)
    return [
        "".join(
            str(int(row.get(f"level_{depth}", line(row["label"])[:depth][-1]) == line(row["truth"])[:depth][-1]))
            for row in rows
        )
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
    common = (*common, "--data.test", given.validation) if given.pooled else common
    _, seconds = told("-m", "visionft", "fit", manifest, *common, *words, "--out", run, "--json")
    found = read(run) | {"seconds": round(seconds, 1)}
    shutil.rmtree(run)
    manifest.unlink()
    return found


def read(run: Path) -> dict[str, Any]:
    """Return the figures on test: accuracy by level of the most probable leaf and of each level, and sure answers."""
    folder = run / "evaluation" / "test"
    metrics = json.loads((folder / "metrics.json").read_text())
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = {"top1": metrics["top1"], "log_loss": metrics["log_loss"], "rights": rights(rows)}
    if "levels" in metrics:
        fitted = json.loads((run / "calibration.json").read_text())
        found |= {"sure": metrics["sure"], "distance": metrics["distance"], "fitted": fitted}
    return found


def accuracies(row: dict[str, Any]) -> list[float]:
    """Return the accuracy at each level, from the top."""
    return [mean(map(int, right)) for right in row["rights"]]


def gained(flat: dict[str, Any], other: dict[str, Any]) -> str:
    """Return how much accuracy a way gains over flat at each level, in points with paired 95 % intervals."""
    from visionft.metrics.confidence_intervals import bootstrap_difference

    told_levels = []
    for before, after in zip(flat["rights"], other["rights"], strict=True):
        pair = [np.array(list(text)) == "1" for text in (after, before)]
        low, high = (100 * end for end in bootstrap_difference(*pair))
        told_levels.append(f"{100 * (pair[0].mean() - pair[1].mean()):+.1f} ({low:+.1f} to {high:+.1f})")
    return ", ".join(told_levels)


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table: a line for each cell."""
    head = (
        "way",
        "photos",
        "seed",
        "accuracy by level, top first",
        "gained, points",
        "sure from",
        "sure right",
        "answered",
        "depth",
    )
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        key = row["key"]
        flat = next((each for each in rows if each["key"] == key | {"way": "flat"}), row)
        levels = ", ".join(f"{share:.1%}" for share in accuracies(row))
        sure = row.get("sure")
        told_sure = ("", "", "", "")
        if sure:
            low, high = sure["interval"]
            right = f"{sure['precision']:.2%} ({low:.2%} to {high:.2%})"
            told_sure = (f"{sure['min_confidence']:g}", right, f"{sure['answered']:.1%}", f"{sure['depth']:.2f}")
        more = "" if flat is row else gained(flat, row)
        cells = (key["way"], f"{key['set']}, {key['sides']}", str(key["seed"]), levels, more, *told_sure)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED / "data" / "grocery")
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--backbone", default=BACKBONE)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--validation", type=float, default=0.3)
    parser.add_argument("--pooled", action="store_true", help="draw test anew too, of all photos together")
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
    rows = labelled(given.photos, given.every, given.pooled)
    method = ("--method", given.method, *(() if given.method == "head" else ("--epochs", given.epochs)))
    ways: dict[str, tuple[object, ...]] = {"flat": method, "tree": (*method, "--task", "hierarchical")}
    if given.method != "head":
        ways["hxe"] = (*ways["tree"], "--loss", "hxe")
    for seed in given.seeds:
        for way, words in ways.items():
            key = {
                "way": way, "set": given.photos.name, "every": given.every, "backbone": given.backbone,
                "method": given.method, "validation": given.validation,
                "sides": POOLED if given.pooled else "its own test",
                "seed": seed,
            }  # fmt: skip
            cells.measure(key, partial(fit, rows, way, given, seed, *words))


if __name__ == "__main__":
    main()
