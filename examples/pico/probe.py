"""What frozen features are worth: logistic regression on a train split, accuracy on the test split.

python examples/pico/probe.py PHOTOS BACKBONE[=WEIGHTS]...

Without WEIGHTS the backbone has random ones: the floor. The strength of the regularisation is chosen on validation.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

import visionft as vft
from visionft import backbones, data
from visionft.errors import VisionftError
from visionft.metrics import wilson
from visionft.settings import PreprocessSettings, build
from visionft.training import frozen_features, linear_probe


def probe(photos: Path, backbone: str, weights: str) -> dict[str, object]:
    """Return the test accuracy of a linear head on frozen features, with its 95 % interval."""
    torch.manual_seed(0)
    manifest = data.prepare(photos, vft.DataSettings())
    network = backbones.create(backbone, weights or "none", len(manifest.classes))
    preprocess = backbones.preprocess(network, PreprocessSettings())
    settings = build(photos, None, **{"hardware.device": "cpu", "hardware.workers": 2})
    splits = {
        split: frozen_features.compute(network, manifest, split, preprocess, settings, lambda *_: None)
        for split in ("train", "validation", "test")
    }
    train, validation, test = splits.values()
    found = linear_probe.solve(train.features, train.labels, validation.features, validation.labels)
    hits = int(((test.features @ found.weight.T + found.bias).argmax(1) == test.labels).sum())
    return {
        "backbone": backbone,
        "weights": Path(weights).name or "random",
        "n": len(test.labels),
        "test_top1": hits / len(test.labels),
        "interval": wilson(hits, len(test.labels)),
    }


def main() -> None:
    """Print one JSON line a backbone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("backbones", nargs="+", help="visionft_pico=FILE, mobilenetv2_100=FILE, visionft_pico")
    given = parser.parse_args()
    for each in given.backbones:
        name, _, weights = each.partition("=")
        try:
            print(json.dumps(probe(given.photos, name, weights)), flush=True)
        except VisionftError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
