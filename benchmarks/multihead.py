"""Asked: are several heads on one backbone as often right as a run for each column, and what do they cost?

python benchmarks/multihead.py [PHOTOS] [--every 4] [--backbone mobilenetv2_100 --weights FILE] [--seeds 0]
python benchmarks/multihead.py --markdown           the table

PHOTOS is a split folder of nested classes (shared grocery by default); every so many photos of each class are taken.
Three columns are made of the path of a class: `aisle`, its first level, `coarse`, its second, and `kind`, its last. The
ways: `together`, the task multihead on all of them; and for each column a run of its own.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import RUNS, SHARED, Cells, told

SIDES = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
COLUMNS = ("aisle", "coarse", "kind")
TOGETHER = "together"
Row = tuple[str, str, str, str, str]


def labelled(photos: Path, every: int) -> list[Row]:
    """Return path, aisle, coarse, kind and side of every so many photos; of all three some are trained on."""
    found = []
    for name, side in SIDES.items():
        root = photos / name
        for folder in sorted({path.parent for path in root.rglob("*.jpg")}) if root.is_dir() else []:
            levels = folder.relative_to(root).parts
            columns = levels[0], levels[min(1, len(levels) - 1)], levels[-1]
            found += [(str(path), *columns, side) for path in sorted(folder.glob("*.jpg"))[::every]]
    trained = {(column, row[column]) for row in found if row[-1] == "train" for column in (1, 2, 3)}
    return [row for row in found if all((column, row[column]) in trained for column in (1, 2, 3))]


def fit(rows: list[Row], way: str, given: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Fit and evaluate once, in a process of its own."""
    RUNS.mkdir(parents=True, exist_ok=True)
    run, manifest = RUNS / f"multihead-{way}-{seed}", RUNS / f"multihead-{way}-{seed}.csv"
    shutil.rmtree(run, ignore_errors=True)
    with manifest.open("w", newline="") as file:
        csv.writer(file).writerows([("path", *COLUMNS, "split"), *rows])
    weights = ("--weights", given.weights) if given.weights else ()
    words = ("--task", "multihead") if way == TOGETHER else ()
    columns = ",".join(COLUMNS) if way == TOGETHER else way
    common = (
        "--data.label-column",
        columns,
        "--backbone",
        given.backbone,
        *weights,
        "--seed",
        seed,
        "--method",
        "head",
    )
    _, seconds = told("-m", "visionft", "fit", manifest, *words, *common, "--out", run, "--json")
    with (run / "evaluation" / "test" / "predictions.csv").open() as file:
        rights = right_of(list(csv.DictReader(file)), way)
    megabytes = (run / "weights.safetensors").stat().st_size / 1e6
    shutil.rmtree(run)
    manifest.unlink()
    return {"rights": rights, "seconds": round(seconds, 1), "megabytes": round(megabytes, 2)}


def right_of(rows: list[dict[str, str]], way: str) -> dict[str, str]:
    """Return for each column of a way whether each photo is answered rightly, in order of path, as text of 0 and 1."""
    rows = sorted(rows, key=lambda row: row["path"])
    names = {name: f"{name}_" for name in COLUMNS} if way == TOGETHER else {way: ""}
    return {
        name: "".join(str(int(row[f"{prefix}truth"] == row[f"{prefix}label"])) for row in rows)
        for name, prefix in names.items()
    }


def told_share(text: str) -> str:
    """Return the share of 1 with its 95 % interval."""
    from visionft.metrics import wilson

    low, high = wilson(text.count("1"), len(text)) or (0.0, 1.0)
    return f"{text.count('1') / len(text):.1%} ({low:.1%} to {high:.1%})"


def gained(alone: str, together: str) -> str:
    """Return by how much the heads together are more often right, in points with a paired 95 % interval."""
    from visionft.metrics import bootstrap_difference

    after, before = (np.array(list(text)) == "1" for text in (together, alone))
    low, high = (100 * end for end in bootstrap_difference(after, before))
    return f"{100 * (after.mean() - before.mean()):+.1f} ({low:+.1f} to {high:+.1f})"


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table: a line for each column and seed, and the seconds of all."""
    lines = [
        "| column | seed | photos | a run of its own | one of several heads | gained, points |",
        "|---|---|---|---|---|---|",
    ]
    for one in (row for row in rows if row["key"]["way"] == TOGETHER):
        for name in COLUMNS:
            alone = next((row for row in rows if row["key"] == one["key"] | {"way": name}), None)
            if alone is not None:
                texts = alone["rights"][name], one["rights"][name]
                cells = (name, str(one["key"]["seed"]), f"{len(texts[0]):,}", *map(told_share, texts), gained(*texts))
                lines.append(f"| {' | '.join(cells)} |")
    ways = dict.fromkeys(row["key"]["way"] for row in rows)
    spent = {way: [row for row in rows if row["key"]["way"] == way] for way in ways}
    told_ways = (
        f"{way} {np.mean([row['seconds'] for row in own]):.0f} s, {np.mean([row['megabytes'] for row in own]):.1f} MB"
        for way, own in spent.items()
    )
    return "\n".join([*lines, "", f"fit, and weights: {'; '.join(told_ways)}"])


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED / "data" / "grocery")
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--backbone", default="mobilenetv2_100")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--out", type=Path, help="a file of cells; none: results/multihead.jsonl")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out or "multihead")
    if given.markdown:
        print(markdown(cells.rows))
        return
    rows = labelled(given.photos, given.every)
    for seed in given.seeds:
        for way in (*COLUMNS, TOGETHER):
            key = {
                "way": way, "set": given.photos.name, "every": given.every, "backbone": given.backbone, "seed": seed,
            }  # fmt: skip
            cells.measure(key, partial(fit, rows, way, given, seed))


if __name__ == "__main__":
    main()
