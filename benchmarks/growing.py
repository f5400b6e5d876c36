"""Claim: crops that grow from epoch to epoch (`--augment.start-size`) save time, at this price in accuracy.

python benchmarks/growing.py [PHOTOS] [--backbone mobilenetv2_100] [--starts 96 128] [--seeds 0 1]
python benchmarks/growing.py --markdown            the table

PHOTOS is a split folder (shared clothing by default). A cell is one `visionft fit` at the defaults in a process of its
own, whose crops begin at a side and end at the default one; the first of each seed has that in all epochs. Its seconds
are those of the process, with everything in it: photos read, head solved, validation, test figures.
"""

from __future__ import annotations

import argparse
import shutil
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from cells import RUNS, SHARED, Cells, told

Pair = tuple[dict[str, Any], dict[str, Any]]

SMALLEST = ("--weights", "none", "--preprocess.size", 32, "--augment.size", 32, "--epochs", 2)


def fit(photos: Path, backbone: str, start: int | None, seed: int) -> dict[str, Any]:
    """Fit once; a backbone of timm's for tests learns from scratch at 32 pixels."""
    run = RUNS / f"growing-{start}-{seed}"
    shutil.rmtree(run, ignore_errors=True)
    own = SMALLEST if backbone.startswith("test_") else ("--weights", SHARED / "weights" / f"{backbone}.safetensors")
    words = ["fit", photos, "--backbone", backbone, *own, "--augment.start-size", start or "none", "--seed", seed]
    figures, seconds = told("-m", "visionft", *words, "--out", run, "--json")
    shutil.rmtree(run)
    kept = {key: round(figures[key], 4) for key in ("val_top1", "test_top1", "images_per_second")}
    return {"seconds": round(seconds, 1), **kept, "peak_memory_mb": round(figures["peak_memory_mb"])}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table: a row for each start of a backbone, means over the seeds that have one size as well."""
    whole = {_case(row): row for row in rows if row["key"]["start"] is None}
    pairs: dict[tuple[str, str, int | None], list[Pair]] = {}
    for row in rows:
        if _case(row) in whole:
            name, backbone, _ = _case(row)
            pairs.setdefault((name, backbone, row["key"]["start"]), []).append((row, whole[_case(row)]))
    head = "| photos | backbone | crops begin at | seconds | to one size | test top-1 | validation top-1 | n |"
    return "\n".join([head, "|---" * 8 + "|", *(_line(*key, found) for key, found in pairs.items())])


def _case(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["key"]["set"], row["key"]["backbone"], row["key"]["seed"]


def _line(name: str, backbone: str, start: int | None, pairs: list[Pair]) -> str:
    seconds, test, validation = (mean(own[key] for own, _ in pairs) for key in ("seconds", "test_top1", "val_top1"))
    ratio = mean(own["seconds"] / whole["seconds"] for own, whole in pairs)
    figures = f"{seconds:.0f} | {ratio:.2f} | {test:.1%} | {validation:.1%} | {len(pairs)}"
    return f"| {name} | `{backbone}` | {start or 'the end'} | {figures} |"


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED / "data" / "clothing")
    parser.add_argument("--backbone", default="mobilenetv2_100")
    parser.add_argument("--starts", type=int, nargs="*", default=[96, 128])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--out", type=Path, help="a file of cells; none: results/growing.jsonl")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out or "growing")
    if given.markdown:
        print(markdown(cells.rows))
        return
    for seed in given.seeds:
        for start in (None, *given.starts):
            key = {"set": given.photos.name, "backbone": given.backbone, "start": start, "seed": seed}
            cells.measure(key, partial(fit, given.photos, given.backbone, start, seed))


if __name__ == "__main__":
    main()
