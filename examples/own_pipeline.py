"""Change training photos by a pipeline of your own: `python examples/own_pipeline.py PHOTOS OUT`.

The run records the pipeline, so that it goes on and is repeated without this script. The command line takes the same
from a file: `visionft fit PHOTOS --augment.pipeline OUT/pipeline.yaml`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import albumentations as A

import visionft as vft

PIPELINE = A.Compose(
    [
        A.RandomResizedCrop((160, 160), scale=(0.5, 1.0)),
        A.HorizontalFlip(),
        A.OneOf([A.ColorJitter(), A.RandomGamma(), A.ToGray()], p=0.5),
    ]
)


def main(photos: str, out: str) -> None:
    """Fit by the object; then by its file, with the same seed: the weights are the same."""
    file = Path(out) / "pipeline.yaml"
    A.save(PIPELINE, file, data_format="yaml")
    ways = {"object": PIPELINE, "file": file}
    runs = {
        name: vft.fit(photos, augment_pipeline=way, out=Path(out) / name, backbone="visionft_pico", epochs=1)
        for name, way in ways.items()
    }
    print("the same weights:", runs["object"].weights_sha256 == runs["file"].weights_sha256)


if __name__ == "__main__":
    main(*sys.argv[1:3])
