"""Claim: full fine-tuning from photo files is as fast as a bare loop on synthetic tensors, and outruns plain PyTorch.

python benchmarks/step.py [--rounds 3]     needs shared photos, weights and bench/peers.py ($VISIONFT_SHARED)
python benchmarks/step.py --markdown       the table

On a processor, all weights trained, 224 pixels, batch 32, one process after the other, in rounds of turning order:
`bare` (no files; the fastest of eight ways, as benchmarks/yardsticks.py tries them), `ours` (an epoch of `visionft fit`
on 640 of clothing's training photos: the rate of its row in metrics.csv, so start and validation are left out), `plain`
(an epoch of a plain PyTorch loop on the same files).
"""

from __future__ import annotations

import argparse
import csv
import shutil
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yardsticks
from cells import SHARED, Cells, told

from visionft.machine.subprocesses import in_process

CLOTHING = SHARED / "data" / "clothing"
BACKBONES = ("vit_tiny_patch16_224", "mobilenetv2_100")
SIZE, BATCH, PHOTOS = 224, 32, 640
WHATS = ("bare", "ours", "plain")


def subset(into: Path, photos: int = PHOTOS) -> Path:
    """Link so many training photos of clothing, evenly over their names, and one photo a class of the other splits."""
    for split in ("train", "validation", "test"):
        found = sorted(path for path in (CLOTHING / split).rglob("*") if path.is_file())
        firsts = {path.parent: path for path in reversed(found)}
        chosen = [found[i * len(found) // photos] for i in range(photos)] if split == "train" else firsts.values()
        for path in chosen:
            place = into / path.relative_to(CLOTHING)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path.resolve())
    return into


def bare(backbone: str, _: Path) -> dict[str, Any]:
    """Return the rate of the bare loop."""
    steps = PHOTOS // BATCH
    return in_process(yardsticks.best_bare, backbone, BATCH, SIZE, steps, advance=lambda *_: None)


def ours(backbone: str, photos: Path, *flags: object) -> dict[str, Any]:
    """Return the rate of an epoch of the real command, and its peak memory."""
    folder = Path(tempfile.mkdtemp())
    words = [
        "fit", photos, "--backbone", backbone, "--weights", SHARED / "weights" / f"{backbone}.safetensors",
        "--epochs", 1, "--augment.size", SIZE, "--optim.batch-size", BATCH, "--method.head-first", "false",
        "--out", folder / "run", *flags,
    ]  # fmt: skip
    figures, _ = told("-m", "visionft", *words, "--json")
    with (folder / "run" / "metrics.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    shutil.rmtree(folder)
    return {"images_per_second": float(last["images_per_second"]), "peak_memory_mb": figures["peak_memory_mb"]}


def plain(backbone: str, photos: Path) -> dict[str, Any]:
    """Return the rate of an epoch of a plain loop; ten photos of validation are in its time."""
    words = [SHARED / "bench" / "peers.py", "plain", "--data", photos, "--arch", backbone, "--epochs", 1]
    figures, _ = told(*words, "--weights", SHARED / "weights" / f"{backbone}.safetensors", "--batch", BATCH)
    return {"images_per_second": figures["img_per_s"], "peak_memory_mb": figures["peak_rss_mb"]}


WORK: dict[str, Callable[[str, Path], dict[str, Any]]] = {"bare": bare, "ours": ours, "plain": plain}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table: medians of the rates, and of the ratios of each round, with their range."""
    lines = ["| backbone | bare loop | ours | plain PyTorch | ours / bare | ours / plain | n |", "|---" * 7 + "|"]
    for backbone in dict.fromkeys(row["key"]["backbone"] for row in rows):
        rounds: dict[int, dict[str, float]] = {}
        for row in rows:
            if row["key"]["backbone"] == backbone:
                rounds.setdefault(row["key"]["round"], {})[row["key"]["what"]] = row["images_per_second"]
        whole = [rates for rates in rounds.values() if len(rates) == len(WHATS)]
        if not whole:
            continue
        speeds = [f"{statistics.median(rates[what] for rates in whole):.1f}" for what in WHATS]
        ratios = [spread([rates["ours"] / rates[what] for rates in whole]) for what in ("bare", "plain")]
        lines.append(f"| `{backbone}` | {' | '.join(speeds)} | {' | '.join(ratios)} | {len(whole)} |")
    return "\n".join(lines)


def spread(ratios: list[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("step")
    if given.markdown:
        print(markdown(cells.rows))
        return
    with tempfile.TemporaryDirectory() as place:
        photos = subset(Path(place))
        for number in range(given.rounds):
            for backbone in BACKBONES:
                for what in WHATS[number % len(WHATS) :] + WHATS[: number % len(WHATS)]:
                    key = {"backbone": backbone, "photos": PHOTOS, "what": what, "round": number}
                    cells.measure(key, partial(WORK[what], backbone, photos))


if __name__ == "__main__":
    main()
