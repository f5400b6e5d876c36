"""The main job beside plain PyTorch: time, accuracy, throughput; one process a cell, kinds in turn.

python benchmarks/main_job.py [--only KIND ...]     needs shared photos, weights and bench/peers.py ($VISIONFT_SHARED)

Kinds: default (no flag but backbone and weights), head (`--method head`), same (plain PyTorch's settings: full size,
batch statistics, no average, one epoch), plain (three epochs of full fine-tuning by a bare loop). `process_seconds` is
the whole process, imports included; plain's `fit_s` leaves imports and scoring out.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cells import SHARED, Cells, told

SETS = {"clothing": "data/clothing", "grocery": "data/grocery"}
BACKBONES = ("mobilenetv2_100", "vit_tiny_patch16_224")
SAME = [
    "--epochs",
    "1",
    "--augment.size",
    "224",
    "--optim.norm-statistics",
    "batch",
    "--optim.ema",
    "0",
    "--hardware.precision",
    "fp32",
]
FLAGS = {"default": [], "head": ["--method", "head"], "same": SAME}
ORDER = [
    ("default", "clothing", 0),
    ("plain", "clothing", 0),
    ("same", "clothing", 0),
    ("head", "clothing", 0),
    ("default", "clothing", 1),
    ("default", "clothing", 2),
    ("head", "grocery", 0),
    ("default", "grocery", 0),
    ("plain", "clothing", 1),
    ("same", "clothing", 1),
    ("head", "clothing", 1),
    ("head", "clothing", 2),
]


def visionft(kind: str, photos: Path, backbone: str, seed: int) -> dict[str, Any]:
    """Run the real command from a fresh folder and return its --json line with the whole process's seconds."""
    folder = Path(tempfile.mkdtemp())
    weights = SHARED / "weights" / f"{backbone}.safetensors"
    words = ["fit", photos, "--backbone", backbone, "--weights", weights, "--out", folder / "run", "--seed", seed]
    figures, seconds = told("-m", "visionft", *words, "--json", *FLAGS[kind])
    rows = (folder / "run" / "metrics.csv").read_text().splitlines()
    shutil.rmtree(folder)
    figures.pop("run")
    return {**figures, "process_seconds": round(seconds, 1), "epochs": rows}


def plain(photos: Path, backbone: str, seed: int) -> dict[str, Any]:
    """Run the bare loop of three epochs and return its line."""
    weights = SHARED / "weights" / f"{backbone}.safetensors"
    words = [SHARED / "bench" / "peers.py", "plain", "--data", photos, "--arch", backbone, "--weights", weights]
    figures, seconds = told(*words, "--seed", seed)
    return {**figures, "process_seconds": round(seconds, 1)}


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=["plain", "default", "head", "same"])
    parser.add_argument("--backbone", choices=BACKBONES, default=BACKBONES[0])
    arguments = parser.parse_args()
    cells = Cells("main_job")
    for kind, name, seed in ORDER:
        if kind in arguments.only:
            photos, backbone = SHARED / SETS[name], arguments.backbone
            key = {"kind": kind, "set": name, "backbone": backbone, "seed": seed}
            run = plain if kind == "plain" else lambda *given, kind=kind: visionft(kind, *given)
            cells.measure(key, lambda run=run, photos=photos, b=backbone, seed=seed: run(photos, b, seed))


if __name__ == "__main__":
    main()
