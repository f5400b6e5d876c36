"""Claim: photos become a verified bundle in less than half of an epoch of plain PyTorch's fine-tuning.

The goal is a minute; it is not reached.

python benchmarks/minute.py [--rounds 3]     needs shared photos, weights and bench/peers.py ($VISIONFT_SHARED)

Each round times, one after the other, `visionft fit --method head` and `visionft export` on clothing with
mobilenetv2_100, from the start of the first process to the bundle on disk, and one epoch of full fine-tuning in a bare
loop (`fit_s`: without its imports and its scoring).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cells import SHARED, Cells, told

PHOTOS, BACKBONE = SHARED / "data" / "clothing", "mobilenetv2_100"
WEIGHTS = SHARED / "weights" / f"{BACKBONE}.safetensors"


def cell() -> dict[str, Any]:
    """Time one round."""
    folder = Path(tempfile.mkdtemp())
    fit = ["fit", PHOTOS, "--method", "head", "--backbone", BACKBONE, "--weights", WEIGHTS, "--out", folder / "run"]
    fitted, fit_seconds = told("-m", "visionft", *fit, "--json")
    _, export_seconds = told("-m", "visionft", "export", folder / "run", "--out", folder / "bundle", "--json")
    shutil.rmtree(folder)
    plain, _ = told(
        SHARED / "bench" / "peers.py", "plain", "--data", PHOTOS, "--arch", BACKBONE, "--weights", WEIGHTS,
        "--epochs", "1",
    )  # fmt: skip
    return {
        "fit_seconds": round(fit_seconds, 1),
        "export_seconds": round(export_seconds, 1),
        "test_top1": fitted["test_top1"],
        "plain_epoch_seconds": plain["fit_s"],
        "share": round((fit_seconds + export_seconds) / plain["fit_s"], 3),
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
