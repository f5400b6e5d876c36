"""Fit to photos that are in no folder: `python examples/photos_in_memory.py PHOTOS OUT`.

A pandas DataFrame, an Arrow table, a list of (photo, label) or a torch Dataset will do; here the list and the table are
made of the files of PHOTOS/CLASS/. The table comes to the same place in the caches each time, so a run goes on with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
from PIL import Image

import visionft as vft


def main(photos: str, out: str) -> None:
    """Fit to a table of bytes; evaluate on a list of pictures, and predict a picture and an array."""
    files = sorted(Path(photos).glob("*/*.jpg"))
    table = pa.table({"bytes": [f.read_bytes() for f in files], "label": [f.parent.name for f in files]})
    run = vft.fit(table, out=Path(out) / "run", backbone="visionft_pico", method="head")

    pictures = [(Image.open(f), f.parent.name) for f in files[::5]]
    evaluation = vft.evaluate(run, data=pictures)
    print(f"{evaluation.metrics.n} pictures, top-1 {evaluation.metrics.top1:.1%}")
    for answer in vft.predict(run, [picture for picture, _ in pictures[:3]]):
        print(answer.label, f"{answer.probability:.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
