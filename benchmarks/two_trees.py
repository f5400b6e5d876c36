"""Claim: a change of the code's form costs no time: the same runs from two checkouts, in turn, with one environment.

python benchmarks/two_trees.py OLD NEW [--rounds 2] [--methods full,lora,head]    needs shared photos and weights

Every sixth photo of clothing. Printed for each run: its wall time, the images a second of each epoch as `fit` tells
them, and the first digits of the weights' SHA-256, which should be one for both trees (benchmarks/same_bits.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cells import SHARED

CLOTHING = SHARED / "data" / "clothing"
STEPS = [
    *("--epochs", "2", "--method.head-first", "false"),
    *("--hardware.precision", "fp32", "--optim.micro-batch", "16"),
]
BACKBONES = {"head": "mobilenetv2_100", "full": "mobilenetv2_100", "lora": "vit_tiny_patch16_224"}


def subset(into: Path, every: int = 6) -> Path:
    """Link every so many-th photo of clothing, in its split and class."""
    for path in sorted(path for path in CLOTHING.rglob("*.*") if path.is_file())[::every]:
        place = into / path.relative_to(CLOTHING)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path.resolve())
    return into


def fitted(tree: Path, method: str, photos: Path, run: Path) -> dict[str, object]:
    """Return what one run of `visionft fit` from a checkout took and found."""
    backbone = BACKBONES[method]
    words = ["fit", photos, "--out", run, "--method", method, "--seed", "0", "--backbone", backbone]
    words += ["--weights", SHARED / "weights" / f"{backbone}.safetensors", *([] if method == "head" else STEPS)]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "visionft", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(tree)}, cwd=run.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"visionft {' '.join(map(str, words))} from {tree}\n{done.stdout}{done.stderr}")
    return {
        "seconds": round(time.monotonic() - began, 1),
        "images_per_second": [float(rate) for rate in re.findall(r"([\d.]+) images/s", done.stdout)],
        "weights": hashlib.sha256((run / "weights.safetensors").read_bytes()).hexdigest()[:12],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("trees", type=Path, nargs=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--methods", default="full,lora,head")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as kept:
        photos = subset(Path(kept) / "photos")
        for method in given.methods.split(","):
            for turn in range(given.rounds):
                for which in (0, 1) if turn % 2 == 0 else (1, 0):
                    run = Path(kept) / f"{method}-{turn}-{which}"
                    row = fitted(given.trees[which].resolve(), method, photos, run)
                    print(json.dumps({"tree": ("old", "new")[which], "method": method, **row}), flush=True)
