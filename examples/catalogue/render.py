"""Render the sample catalogue: `python examples/catalogue/render.py OUT` writes OUT/KIND/SKU/VIEW.jpg, some 400 photos.

Every photo is a pure function of the seed and of its name, and bears in a JPEG comment what made it: a second call
renders only what is missing or was made by another seed or by another version of these files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

# Where PYTHONSAFEPATH is set, as in `make test`, a script's own folder is not on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from photo import KINDS, VIEWS, take

SKUS = 9


def plan(seed: int, photos_per_sku: int | None = None) -> list[tuple[str, str, int, int]]:
    """List (path, kind, SKU number, view number) of all photos; four or five views a SKU unless told."""
    rng = np.random.default_rng(seed)
    photos = []
    for kind in KINDS:
        for sku in range(SKUS):
            count = int(rng.integers(4, 6)) if photos_per_sku is None else photos_per_sku
            order = rng.permutation(len(VIEWS)).tolist()
            for turn in range(count):
                again, place = divmod(turn, len(VIEWS))
                view = order[place] + again * len(VIEWS)
                name = VIEWS[order[place]].name + (f"-{again + 1}" if again else "")
                photos.append((f"{kind}/{kind}-{sku + 1:02d}/{name}.jpg", kind, sku, view))
    return photos


def mark(seed: int) -> bytes:
    """Name what makes the photos: the seed and a digest of these source files."""
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).resolve().parent.glob("*.py")))
    return f"visionft catalogue, seed {seed}, renderer {hashlib.sha256(sources).hexdigest()[:12]}".encode()


def is_done(path: Path, comment: bytes) -> bool:
    """Tell whether the photo is there and bears the comment."""
    try:
        with Image.open(path) as photo:
            return photo.info.get("comment") == comment
    except (FileNotFoundError, UnidentifiedImageError):
        return False


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)


def render(out: Path, seed: int = 0, photos_per_sku: int | None = None) -> int:
    """Render the photos that are not there yet; returns how many that were."""
    comment = mark(seed)
    missing = [row for row in plan(seed, photos_per_sku) if not is_done(out / row[0], comment)]
    for done, (name, kind, sku, view) in enumerate(missing, 1):
        write(out / name, take(kind, seed, sku, view, comment))
        if done % 50 == 0 or done == len(missing):
            print(f"{done} of {len(missing)} photos rendered", file=sys.stderr)
    return len(missing)


def whole(least: int) -> Callable[[str], int]:
    """Make a reader of whole numbers of at least `least`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, got {text!r}")
        return int(text)

    return read


def main() -> None:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(description="Render the sample catalogue of ten kinds of products.")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the catalogue")
    parser.add_argument("--seed", type=whole(0), default=0, help="another seed is another catalogue")
    parser.add_argument(
        "--photos-per-sku", type=whole(1), default=None, metavar="N", help="photos a SKU (default: 4 or 5)"
    )
    given = parser.parse_args()
    fresh = render(given.out, given.seed, given.photos_per_sku)
    print(f"{given.out}: {len(plan(given.seed, given.photos_per_sku))} photos, {fresh} of them new")


if __name__ == "__main__":
    main()
