"""Claim: visionft reaches what its peers reach in a part of their time.

python benchmarks/peers.py [--set clothing] [--backbone mobilenetv2_100] [--what full] [--peer plain ...] [--rates 1]
python benchmarks/peers.py --markdown      the tables

The same photos, weights, size and batch through `visionft fit` (no flag but backbone and weights; for `frozen` also
--method head), plain PyTorch, fastai, the Hugging Face Trainer and Lightning, one process after the other
(benchmarks/peer_loops.py). `full` trains all weights for 3 epochs, `frozen` the head alone for 10, `fine_tune` is a
peer's own recipe. Each peer is tried at up to three rates and stands with its best one by validation. Its clock leaves
imports out; ours runs from the start of the process to the written run. Needs shared photos and weights
($VISIONFT_SHARED), and fastai, transformers and accelerate for their rows.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cells import SHARED, Cells, fresh, told

from visionft.metrics import wilson

SETS = {"clothing": SHARED / "data" / "clothing", "grocery": SHARED / "data" / "grocery"}
TEST = {"clothing": 372, "grocery": 2_485}
BACKBONES = ("mobilenetv2_100", "vit_tiny_patch16_224")
EPOCHS = {"full": 3, "frozen": 10, "fine_tune": 3}
RATES = {"full": (3e-4, 1e-3, 1e-4), "frozen": (1e-2, 3e-2, 3e-3), "fine_tune": (2e-3, 4e-3, 1e-3)}
THIRD = {("clothing", "full"): 3e-3}  # where the second rate was the better one, the third lies beyond it
PEERS = {
    "full": ("plain", "fastai", "hf", "lightning"),
    "frozen": ("plain", "fastai", "hf", "lightning"),
    "fine_tune": ("fastai", "lightning"),
}
OURS = {"full": [], "frozen": ["--method", "head"]}
WANTED = 0.88
TOP1 = re.compile(r"^(?:solved head|epoch \d+/\d+):? .*top-1 ([\d.]+)%")


def flat(photos: Path, into: Path) -> Path:
    """Link a split folder of nested classes as one of flat classes, each of them in every split.

    Their innermost folders name them: one class of grocery lies a level deeper in its test split.
    """
    for split in ("train", "validation", "val", "test"):
        for path in sorted((photos / split).rglob("*")):
            if path.is_file() and path.parent != photos / split:
                place = into / split / path.parent.name / path.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(path.resolve())
    splits = list(into.iterdir())
    for name in [place.name for place in (into / "train").iterdir()]:
        for split in splits:
            (split / name).mkdir(exist_ok=True)
    return into


def peer(name: str, what: str, photos: Path, backbone: str, rate: float, seed: int) -> dict[str, Any]:
    """Train by a peer at one rate."""
    words = [
        Path(__file__).with_name("peer_loops.py"), name, "--what", what, "--data", photos, "--arch", backbone,
        "--weights", SHARED / "weights" / f"{backbone}.safetensors", "--lr", rate, "--epochs", EPOCHS[what],
        "--seed", seed,
    ]  # fmt: skip
    return told(*words)[0]


def ours(what: str, photos: Path, backbone: str, seed: int) -> dict[str, Any]:
    """Train by the real command; an accuracy counts from the moment at which its line is printed."""
    folder = Path(tempfile.mkdtemp())
    weights = SHARED / "weights" / f"{backbone}.safetensors"
    words = ["fit", photos, "--backbone", backbone, "--weights", weights, "--out", folder / "run", "--seed", seed]
    command = [sys.executable, "-u", "-m", "visionft", *map(str, words), *OURS[what], "--json"]
    began, epochs, said = time.perf_counter(), [], list[str]()
    with (
        fresh() as environment,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process,
    ):
        assert process.stdout is not None, "it was asked for"
        for line in process.stdout:
            said.append(line)
            if found := TOP1.search(line):
                epochs.append({"seconds": round(time.perf_counter() - began, 1), "val_top1": float(found[1]) / 100})
    seconds = time.perf_counter() - began
    shutil.rmtree(folder)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {''.join(said[-1:]).strip()}")
    figures = json.loads(next(line for line in reversed(said) if line.startswith("{")))
    return {
        "fit_seconds": round(seconds, 1),
        "epochs": epochs,
        "test_top1": figures["test_top1"],
        "images_per_second": figures["images_per_second"],
        "peak_memory_mb": round(figures["peak_memory_mb"]),
    }


def time_to(row: dict[str, Any], top1: float) -> float | None:
    """Return the seconds until an epoch reached this accuracy on the validation photos, or none."""
    return next((epoch["seconds"] for epoch in row["epochs"] if epoch["val_top1"] >= top1), None)


def best_of(row: dict[str, Any]) -> float:
    """Return the best accuracy of a row on the validation photos."""
    return max(float(epoch["val_top1"]) for epoch in row["epochs"])


def champions(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the row of each peer at its best rate, with `tried`, the number of rates."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["key"]["peer"], row["key"]["what"]), []).append(row)
    return [{**max(tried, key=best_of), "tried": len(tried)} for tried in found.values()]


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table for each set, backbone and kind of work; fine_tune stands with full."""
    parts = []
    for name in SETS:
        for backbone in BACKBONES:
            for kinds in (("full", "fine_tune"), ("frozen",)):
                mine = [
                    row for row in rows
                    if (row["key"]["set"], row["key"]["backbone"]) == (name, backbone) and row["key"]["what"] in kinds
                ]  # fmt: skip
                if mine:
                    parts.append(f"{name}, {backbone}, {kinds[0]}:\n\n{_table(champions(mine), TEST[name])}")
    return "\n\n".join(parts)


def _table(rows: list[dict[str, Any]], test: int) -> str:
    goal = max((best_of(row) for row in rows if row["key"]["peer"] != "visionft"), default=1.0)
    lines = [
        f"| who | rates tried | test top-1 | validation | seconds | to {WANTED:.0%} | to the peers' best {goal:.1%} "
        "| images/s | memory |",
        "|---" * 9 + "|",
    ]
    for row in sorted(rows, key=lambda row: -best_of(row)):
        key = row["key"]
        low, high = wilson(round(row["test_top1"] * test), test) or (0.0, 1.0)
        name = f"{key['peer']}{' (fine_tune)' if key['what'] == 'fine_tune' else ''}"
        times = [_seconds(time_to(row, wanted)) for wanted in (WANTED, goal)]
        lines.append(
            f"| {name} | {row['tried'] if key['rate'] else '-'} | {row['test_top1']:.1%} ({low:.1%} to {high:.1%}) | "
            f"{best_of(row):.1%} | {row['fit_seconds']:.0f} | {' | '.join(times)} | {row['images_per_second']:.1f} | "
            f"{row['peak_memory_mb'] / 1e3:.1f} GB |"
        )
    return "\n".join(lines)


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f}"


def tasks(given: argparse.Namespace, photos: Path) -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    """Yield the cells that were asked for: first everybody at the first rate."""
    common = {"set": given.set, "backbone": given.backbone, "seed": given.seed}
    for number in range(given.rates):
        for what in given.what:
            if what in OURS and _asked(given, "visionft"):
                key = {**common, "peer": "visionft", "what": what, "rate": None}
                yield key, partial(ours, what, photos, given.backbone, given.seed)
            for name in filter(partial(_asked, given), PEERS[what]):
                rate = THIRD.get((given.set, what), RATES[what][2]) if number == 2 else RATES[what][number]
                work = partial(peer, name, what, photos, given.backbone, rate, given.seed)
                yield {**common, "peer": name, "what": what, "rate": rate}, work


def _asked(given: argparse.Namespace, name: str) -> bool:
    return not given.peer or name in given.peer


def main() -> None:
    """Measure what is not measured yet, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=SETS, default="clothing")
    parser.add_argument("--backbone", choices=BACKBONES, default=BACKBONES[0])
    parser.add_argument("--what", choices=EPOCHS, nargs="*", default=["full", "fine_tune", "frozen"])
    parser.add_argument("--peer", choices=["visionft", *PEERS["full"]], nargs="*")
    parser.add_argument("--rates", type=int, choices=[1, 2, 3], default=3, help="tried of each peer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("peers")
    if given.markdown:
        print(markdown(cells.rows))
        return
    with tempfile.TemporaryDirectory() as place:
        photos = flat(SETS[given.set], Path(place))
        for key, work in tasks(given, photos):
            cells.measure(key, work)


if __name__ == "__main__":
    main()
