"""Claim: on a processor, photos decoded between steps by all threads train faster than with workers beside the steps.

python benchmarks/workers.py [--rounds 3]     needs shared photos and weights ($VISIONFT_SHARED)
python benchmarks/workers.py --markdown       the table

An epoch of `visionft fit` on 640 of clothing's training photos, all weights trained, 224 pixels, batch 32, fp32 in
passes of 8, with 0, 1 and 2 workers in rounds of turning order: the rate of its row in metrics.csv.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from cells import Cells
from step import PHOTOS, ours, spread, subset

BACKBONES = ("mobilenetv2_100", "vit_tiny_patch16_224")
WORKERS = (0, 1, 2)
SAME = ("--hardware.precision", "fp32", "--optim.micro-batch", 8)


def epoch(backbone: str, photos: Path, workers: int) -> dict[str, Any]:
    """Return the rate of an epoch and the memory of the process that trains."""
    return ours(backbone, photos, *SAME, "--hardware.workers", workers)


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table: medians of the rates and, against no workers, of the ratios of each round with their range."""
    lines = ["| backbone | workers | images/s | to no workers | n |", "|---" * 5 + "|"]
    rates = {
        (row["key"]["backbone"], row["key"]["workers"], row["key"]["round"]): row["images_per_second"] for row in rows
    }
    for backbone, workers in dict.fromkeys((name, number) for name, number, _ in rates):
        mine = {turn: rate for (name, number, turn), rate in rates.items() if (name, number) == (backbone, workers)}
        ratios = [rate / rates[backbone, 0, turn] for turn, rate in mine.items() if (backbone, 0, turn) in rates]
        told = spread(ratios) if ratios else ""
        lines.append(f"| `{backbone}` | {workers} | {statistics.median(mine.values()):.1f} | {told} | {len(mine)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("workers")
    if given.markdown:
        print(markdown(cells.rows))
        return
    with tempfile.TemporaryDirectory() as place:
        photos = subset(Path(place))
        for turn in range(given.rounds):
            for backbone in BACKBONES:
                for workers in WORKERS[turn % len(WORKERS) :] + WORKERS[: turn % len(WORKERS)]:
                    key = {"backbone": backbone, "photos": PHOTOS, "workers": workers, "round": turn}
                    cells.measure(key, partial(epoch, backbone, photos, workers))


if __name__ == "__main__":
    main()
