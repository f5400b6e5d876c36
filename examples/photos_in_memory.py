"""Fit to photos that are in no folder: `python examples/photos_in_memory.py PHOTOS OUT`.

A pandas DataFrame, an Arrow table, a list of (photo, label) or a torch Dataset will do; here all are made of the files
of PHOTOS/CLASS/. The table comes to the same place in the caches each time, so a run goes on with it. pandas is asked
for by this example alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
from PIL import Image
from torch.utils.data import Dataset

import visionft as vft


class Pictures(Dataset[tuple[Image.Image, str]]):
    """Photos and labels by index, as a training of one's own may have them."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Image.Image, str]:
        return Image.open(self.files[index]), self.files[index].parent.name


def main(photos: str, out: str) -> None:
    """Fit to a table of bytes; evaluate on the same photos in four forms, and predict pictures."""
    files = sorted(Path(photos).glob("*/*.jpg"))
    table = pa.table({"bytes": [f.read_bytes() for f in files], "label": [f.parent.name for f in files]})
    run = vft.fit(table, out=Path(out) / "run", backbone="visionft_pico", method="head")

    some = files[::5]
    forms = {
        "pictures": [(Image.open(f), f.parent.name) for f in some],
        "paths": [(f, f.parent.name) for f in some],
        "rows of a DataFrame": pd.DataFrame({"path": map(str, some), "label": [f.parent.name for f in some]}),
        "items of a Dataset": Pictures(some),
    }
    for name, data in forms.items():
        evaluation = vft.evaluate(run, data=data)
        print(f"{evaluation.metrics.n} {name}, top-1 {evaluation.metrics.top1:.1%}")
    for answer in vft.predict(run, [Image.open(f) for f in some[:3]]):
        print(answer.label, f"{answer.probability:.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
