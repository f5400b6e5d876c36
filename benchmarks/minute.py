"""Goal, not reached: photos become a verified bundle in a minute, half of an epoch of plain PyTorch's fine-tuning.

python benchmarks/minute.py [--rounds 3]     needs shared photos, weights and bench/peers.py ($VISIONFT_SHARED)

Each round times, one after the other, `visionft fit --method head` and `visionft export` on clothing with
mobilenetv2_100, from the start of the first process to the bundle on disk, and one epoch of full fine-tuning in a bare
loop (`fit_s`: without its imports and its scoring).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cells import SHARED, Cells

PHOTOS, BACKBONE = SHARED / "data" / "clothing", "mobilenetv2_100"
WEIGHTS = SHARED / "weights" / f"{BACKBONE}.safetensors"


def told(*words: object) -> dict[str, Any]:
    """Run Python with these words and return the JSON of its last line."""
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def cell() -> dict[str, Any]:
    """Time one round."""
    folder = Path(tempfile.mkdtemp())
    began = time.perf_counter()
    fit = ["fit", PHOTOS, "--method", "head", "--backbone", BACKBONE, "--weights", WEIGHTS, "--out", folder / "run"]
    fitted = told("-m", "visionft", *fit, "--json")
    between = time.perf_counter()
    told("-m", "visionft", "export", folder / "run", "--out", folder / "bundle", "--json")
    ended = time.perf_counter()
    shutil.rmtree(folder)
    plain = told(
        SHARED / "bench" / "peers.py", "plain", "--data", PHOTOS, "--arch", BACKBONE, "--weights", WEIGHTS,
        "--epochs", "1",
    )  # fmt: skip
    return {
        "fit_seconds": round(between - began, 1),
        "export_seconds": round(ended - between, 1),
        "test_top1": fitted["test_top1"],
        "plain_epoch_seconds": plain["fit_s"],
        "share": round((ended - began) / plain["fit_s"], 3),
    }


def main() -> None:
    """Measure the rounds that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    cells = Cells("minute")
    for number in range(parser.parse_args().rounds):
        cells.measure({"set": "clothing", "backbone": BACKBONE, "round": number}, cell)


if __name__ == "__main__":
    main()
