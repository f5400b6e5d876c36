"""Claim: visionft_pico, pretrained without a photo of clothing, sees most of what its teacher sees in clothing.

python benchmarks/pico.py PRETRAINING        a folder that examples/pico/pretrain.py filled without clothing
python benchmarks/pico.py --shipped          the weights in the package

A logistic regression on frozen features of clothing's train split, its accuracy on the test split (shared photos): of
random weights, of the teacher, of each snapshot of a pretraining. Snapshot 0 has the teacher's first stages under
random blocks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from cells import SHARED, Cells, told

PROBE = Path(__file__).resolve().parents[1] / "examples" / "pico" / "probe.py"
TEACHER = f"mobilenetv2_100={SHARED / 'weights' / 'mobilenetv2_100.safetensors'}"


def probed(cells: Cells, what: str, backbone: str, epochs: int | None = None) -> float:
    """Return the test accuracy of a linear head on frozen features."""
    key = {"probed": "clothing", "features": what, "epochs": epochs}
    row = cells.measure(key, lambda: told(PROBE, SHARED / "data" / "clothing", backbone)[0])
    return float(row["test_top1"])


def main() -> None:
    """Measure the missing cells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pretraining", nargs="?", type=Path)
    parser.add_argument("--shipped", action="store_true")
    given = parser.parse_args()
    cells = Cells("pico")
    floor, ceiling = probed(cells, "random", "visionft_pico"), probed(cells, "teacher", TEACHER)
    found = {}
    for snapshot in sorted(given.pretraining.glob("pico-*.safetensors")) if given.pretraining else ():
        epochs = int(snapshot.stem.partition("-")[2])
        found[f"{epochs} epochs"] = probed(cells, "without clothing", f"visionft_pico={snapshot}", epochs)
    if given.shipped:
        found["shipped"] = probed(cells, "shipped", "visionft_pico=hub")
    for what, top1 in found.items():
        print(f"{what}: {100 * top1:.1f} %, {100 * (top1 - floor) / (ceiling - floor):.0f} % of the way")


if __name__ == "__main__":
    main()
