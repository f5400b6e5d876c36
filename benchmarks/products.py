"""Claim: one answer for all photos of a product is right more often than one answer for each of its photos.

python benchmarks/products.py RUN               products that the run's own split kept together, such as the catalogue's
python benchmarks/products.py RUN --views 4     photos without products: each becomes so many augmented views of itself
python benchmarks/products.py --markdown        the table

A cell is one run on its test split: accuracy by product and by photo of the same photos, and the paired interval of
their difference from a bootstrap over products. Views of one photo share its background and its angle, so they gain
less than photos of a product from several sides.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cells
from PIL import Image, ImageEnhance

import visionft as vft
from visionft.runs import Run

LEAST_AREA = 0.4
"""Of a photo that a view shows."""


def view(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a random crop of a photo, mirrored or not, brighter or darker."""
    share = np.sqrt(random.uniform(LEAST_AREA, 1))
    width, height = (max(1, round(side * share)) for side in photo.size)
    left, top = random.integers(photo.width - width + 1), random.integers(photo.height - height + 1)
    found = photo.crop((left, top, left + width, top + height))
    if random.random() < 0.5:
        found = found.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ImageEnhance.Brightness(found).enhance(random.uniform(0.6, 1.4))


def write_views(run: Run, views: int, folder: Path) -> None:
    """Write views of the run's test photos into CLASS/PHOTO/VIEW.jpg."""
    manifest = run.manifest()
    rows = manifest.rows("test")
    for index, path in enumerate(rows.paths):
        place = folder / run.classes.names[rows.labels[index]] / f"{index:05}"
        place.mkdir(parents=True)
        with Image.open(manifest.root / path) as photo:
            whole = photo.convert("RGB")
        for number in range(views):
            found = view(whole, np.random.default_rng([0, index, number]))
            found.save(place / f"{number}.jpg", quality=90)


def measure(place: Path, views: int | None) -> dict[str, Any]:
    """Return the figures of a run's test photos."""
    run = Run.open(place)
    if views is None:
        found = vft.evaluate(run, split="test", group_by="group", out=Path(tempfile.mkdtemp()))
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_views(run, views, Path(folder))
            # The class is the first folder and the product the second, as in a catalogue.
            table = Path(folder) / "views.csv"
            photos = sorted(path.relative_to(folder) for path in Path(folder).glob("*/*/*.jpg"))
            lines = [f"{photo.as_posix()},{photo.parts[0]},{photo.parts[1]}" for photo in photos]
            table.write_text("\n".join(["path,label,product", *lines]) + "\n")
            found = vft.evaluate(run, data=table, group_by="product", out=Path(folder) / "figures")
    assert found.products is not None
    return found.products.to_json() | {"metrics": found.products.metrics.summary()}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return one line a run."""
    lines = [
        "| run | products | photos | by photo | by product | gain in points, paired 95 % interval |",
        "|---" * 6 + "|",
    ]
    for row in rows:
        views = f", {row['key']['views']} views a photo" if row["key"]["views"] else ""
        low, high = (100 * end for end in row["gain_interval"])
        lines.append(
            f"| {row['key']['run']}{views} | {row['products']:,} | {row['photos']:,} | {row['by_photo']:.1%} | "
            f"{row['by_product']:.1%} | {100 * row['gain']:+.1f} ({low:+.1f} to {high:+.1f}) |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure runs that are not measured yet, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--views", type=int)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("products")
    if given.markdown:
        print(markdown(cells.rows))
        return
    if not given.runs:
        parser.error("no run was given; give folders of finished runs, or --markdown")
    for place in given.runs:
        cells.measure({"run": place.name, "views": given.views}, partial(measure, place, given.views))


if __name__ == "__main__":
    main()
