"""What an audit finds of planted faults, and what it says of photos without any.

    python benchmarks/planted_faults.py
    python benchmarks/planted_faults.py --markdown

Ten each of twenty kinds of fault in a copy of clothing's validation and test photos; an alarm on the clean copy counts
as false, though clothing has real faults. Edited copies by themselves: edited_copies.py; wrong labels: wrong_labels.py.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import SHARED, Cells
from edits import EDITS, Picture, crop, jpeg
from PIL import Image, ImageEnhance, ImageFilter

from visionft import workflows

EACH = 10
COPY = {"copy", "near-duplicate", "leak", "two-labels", "placeholder"}
FAULTS: dict[str, set[str]] = {
    "exact copy": COPY, "copy across splits": {"leak"}, **dict.fromkeys(list(EDITS)[:9], COPY),
    "relabelled": {"label"}, "blank": {"blank"}, "dark": {"dark", "blank"}, "blurred": {"blurred"},
    "truncated": {"unreadable"}, "wrong extension": {"extension"}, "tiny": {"tiny"}, "extreme shape": {"shape"},
    "placeholder": {"placeholder"},
}  # fmt: skip
"""Kinds of planted faults, and the kinds of findings that name them."""


def spoil(folder: Path, seed: int = 0) -> dict[str, list[str]]:
    """Plant `EACH` of every fault into a copy of photos in validation/ and test/; return their paths by kind."""
    rng = np.random.default_rng(seed)
    photos = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg") if "test" in path.parts)
    classes = sorted(path.name for path in (folder / "test").iterdir())
    chosen = rng.permutation(photos)
    stand_in = Image.effect_mandelbrot((300, 300), (-2.0, -1.5, 1.0, 1.5), 60).convert("RGB")
    planted: dict[str, list[str]] = {}
    for number, kind in enumerate(FAULTS):
        sources = chosen[number * EACH : (number + 1) * EACH]
        planted[kind] = [
            plant(folder, kind, Path(source), f"{number:02}-{at}", classes, stand_in)
            for at, source in enumerate(sources)
        ]
    return planted


def plant(folder: Path, kind: str, source: Path, name: str, classes: Sequence[str], stand_in: Picture) -> str:
    """Plant one fault, made of a photo, and return its path."""
    side, label = source.parts[0], source.parts[1]
    target, quality = Path(side, label, f"planted-{name}.jpg"), 92
    picture = Image.open(folder / source).convert("RGB")
    if kind in ("exact copy", "copy across splits"):
        target = Path("validation" if kind == "copy across splits" else side, label, target.name)
        shutil.copy(folder / source, folder / target)
        return str(target)
    if kind == "relabelled":
        target = Path(side, classes[(classes.index(label) + 1 + int(name[-1])) % len(classes)], target.name)
        (folder / source).rename(folder / target)
        return str(target)
    if kind == "truncated":
        data = (folder / source).read_bytes()
        (folder / target).write_bytes(data[: len(data) * 2 // 3])
        return str(target)
    if kind == "wrong extension":
        jpeg(crop(picture, 0.5), 80).save(folder / target.with_suffix(".png"), "JPEG")
        (folder / source).unlink()
        return str(target.with_suffix(".png"))
    changed = {
        "blank": lambda: Image.new("RGB", picture.size, (200 + int(name[-1]), 200, 190)),
        "dark": lambda: ImageEnhance.Brightness(picture).enhance(0.1),
        "blurred": lambda: picture.filter(ImageFilter.GaussianBlur(picture.width / 60)),
        "tiny": lambda: picture.resize((32, 40)),
        "extreme shape": lambda: picture.resize((picture.width, picture.width // 6)),
        "placeholder": lambda: stand_in,
    }
    if kind == "placeholder":
        target = Path(side, classes[int(name[-1]) % len(classes)], target.name)
    if kind in changed and kind != "placeholder":
        (folder / source).unlink()
    made = changed[kind]() if kind in changed else EDITS[kind](picture)
    made.save(folder / target, quality=quality)
    return str(target)


def planted(cache: Path) -> dict[str, Any]:
    """Audit a clean copy and a spoiled one."""
    clean, spoiled = cache / "clean", cache / "spoiled"
    for folder in (clean, spoiled):
        shutil.rmtree(folder, ignore_errors=True)
        for side in ("validation", "test"):
            shutil.copytree(SHARED / "data" / "clothing" / side, folder / side.replace("validation", "train"))
    for folder in (clean, spoiled):  # two sides are enough, and one has to be that which is trained on
        (folder / "train").rename(folder / "validation")
    faults = spoil(spoiled)
    for folder in (clean, spoiled):
        (folder / "validation").rename(folder / "train")
    faults = {kind: [path.replace("validation/", "train/") for path in paths] for kind, paths in faults.items()}
    before, after = (workflows.audit(folder, out=None) for folder in (clean, spoiled))
    found = {path: {f.kind for f in after.findings if path in f.photos} for paths in faults.values() for path in paths}
    return {
        "photos": before.facts["photos_looked_at"],
        "seconds": before.facts["seconds"],
        "found": {kind: sum(bool(found[path] & FAULTS[kind]) for path in paths) for kind, paths in faults.items()},
        "each": EACH,
        "on_the_clean_copy": before.counts,
    }


def markdown(row: dict[str, Any]) -> str:
    """Return the table: each kind of fault and how many were found."""
    lines = ["| planted fault | found |", "|---|---|"]
    lines += [f"| {kind} | {number} of {row['each']} |" for kind, number in row["found"].items()]
    lines.append(f"| said of {row['photos']} clean photos | {row['on_the_clean_copy']} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "visionft-planted-faults")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("planted_faults")
    if given.markdown:
        print("\n\n".join(markdown(row) for row in cells.rows))
        return
    cells.measure({"what": "planted", "set": "clothing"}, partial(planted, given.cache))


if __name__ == "__main__":
    main()
