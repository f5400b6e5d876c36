"""Fine-tune a network object of your own: `python examples/own_network.py PHOTOS OUT`.

timm has to build an equal network by the name of its architecture, so that the run can be opened again without this
script: other weights, another pooling or input size are kept, other modules are refused with the first that differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import timm

import visionft as vft
import visionft.backbones  # timm knows visionft_pico from then on


def main(photos: str, out: str) -> None:
    """Pool by the maximum, fit, and answer with the run alone."""
    network = timm.create_model("visionft_pico", pretrained=True, num_classes=0, global_pool="max")
    run = vft.fit(photos, model=network, method="head", out=Path(out) / "run")
    reopened = vft.Run.open(run.path)
    print(f"top-1 on validation photos: {vft.evaluate(reopened, split='validation').metrics.top1:.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
