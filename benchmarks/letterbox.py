"""Claim: where photos are far from square, `--preprocess.mode auto` takes a mode that is best on test too.

python benchmarks/letterbox.py [--set SHAPE ...] [--backbone NAME] [--train 300]
python benchmarks/letterbox.py --markdown     the table

Clothing, its training photos thinned out, in four shapes, every second photo lying and the others standing:

- as they are: nothing is changed; few are far from square, so that auto compares nothing.
- stretched: to 1:3, so that a crop shows the middle third of the product.
- off centre: padded with white to 1:3, the photo anywhere along it, so that a crop may miss it.
- centred: padded with white to 1:3, the photo in the middle, so that a crop shows all of it, and larger.

A cell is `--method head`; auto's is the plan alone, which compares heads on validation. Test photos judge.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from cells import SHARED, Cells
from PIL import Image, ImageOps

import visionft as vft
from visionft import data
from visionft.planning.plan import make_plan
from visionft.settings import build

PHOTOS = SHARED / "data" / "clothing"
SHAPES = ("as they are", "stretched", "off centre", "centred")
MODES = ("crop", "pad", "squash", "auto")
RATIO = 3
SIDE = 320  # pixels of the short side of what is written


def shaped(photo: Image.Image, shape: str, lying: bool, at: float) -> Image.Image:
    """Bring a photo into a shape; `at` in [0, 1] is where along the long side it lies, if it is off the centre."""
    if shape == "as they are":
        return photo
    size = (RATIO * SIDE, SIDE) if lying else (SIDE, RATIO * SIDE)
    if shape == "stretched":
        return photo.resize(size, Image.Resampling.LANCZOS)
    along = at if shape == "off centre" else 0.5
    return ImageOps.pad(photo, size, Image.Resampling.LANCZOS, "white", (along, along))


def written(shape: str, train: int, folder: Path) -> Path:
    """Write the photos in one shape, so many to train on and half as many for validation, and return the folder."""
    for split, most in {"train": train, "validation": train // 2, "test": None}.items():
        found = {sha256(path.name.encode()).digest(): path for path in (PHOTOS / split).glob("*/*.jpg")}
        for number, name in enumerate(sorted(found)[:most]):
            path = found[name]
            with Image.open(path) as opened:
                photo = ImageOps.exif_transpose(opened).convert("RGB")
            photo.thumbnail((2 * SIDE, 2 * SIDE))
            target = folder / split / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shaped(photo, shape, bool(number % 2), name[0] / 255).save(target, quality=92)
    return folder


def flags(mode: str, backbone: str) -> dict[str, Any]:
    """Return the flags of a cell."""
    weights = SHARED / "weights" / f"{backbone}.safetensors"
    own = {"method": "head", "backbone": backbone, "weights": weights, "preprocess.mode": mode}
    return {**own, "hardware.device": "cpu", "hardware.workers": 0}


def fitted(photos: Path, mode: str, backbone: str, out: Path) -> dict[str, Any]:
    """Fit a head, and return its figures on validation and test."""
    began = time.perf_counter()
    run = vft.fit(photos, out=out, say=lambda _: None, **flags(mode, backbone))
    seconds = time.perf_counter() - began
    test = json.loads((out / "evaluation" / "test" / "metrics.json").read_text())
    found = {"validation": run.result["val"], "test": test}
    figures = {split: {name: each[name] for name in ("n", "top1", "log_loss")} for split, each in found.items()}
    return {**figures, "seconds": round(seconds, 1)}


def planned(photos: Path, backbone: str) -> dict[str, Any]:
    """Return the mode that auto takes, its reason and the seconds of the plan."""
    began, settings = time.perf_counter(), build(photos, None, **flags("auto", backbone))
    plan = make_plan(settings, data.prepare(photos, settings.data), lambda _: None)
    [reason] = [choice.reason for choice in plan.choices if choice.setting == "preprocess.mode"]
    return {"takes": plan.settings.preprocess.mode, "why": reason, "seconds": round(time.perf_counter() - began, 1)}


def table(cells: Cells) -> str:
    """Return the results as Markdown: top-1 on test, and what auto took."""
    lines = ["| photos | crop | pad | squash | auto takes |", "|---|---|---|---|---|"]
    for shape in SHAPES:
        rows = {row["key"]["mode"]: row for row in cells.rows if row["key"]["shape"] == shape}
        if set(MODES) <= set(rows):
            figures = [f"{rows[mode]['test']['top1']:.1%}" for mode in MODES[:3]]
            lines.append(f"| {' | '.join([shape, *figures])} | {rows['auto']['takes']} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs="+", choices=SHAPES, default=SHAPES)
    parser.add_argument("--backbone", default="mobilenetv2_100")
    parser.add_argument("--train", type=int, default=300, help="photos to train on, and twice those of validation")
    parser.add_argument("--markdown", action="store_true")
    given, cells = parser.parse_args(), Cells(Path(__file__).stem)
    for shape in [] if given.markdown else given.set:
        with tempfile.TemporaryDirectory() as place:
            photos = written(shape, given.train, Path(place) / "photos")
            for mode in MODES:
                key = {"shape": shape, "mode": mode, "backbone": given.backbone, "train": given.train}
                fit = partial(fitted, photos, mode, given.backbone, Path(place) / mode)
                cells.measure(key, partial(planned, photos, given.backbone) if mode == "auto" else fit)
    print(table(cells))


if __name__ == "__main__":
    main()
