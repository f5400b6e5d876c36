"""Make the photos that `visionft demo` brings: `python examples/catalogue/sample.py PHOTOS OUT.zip`.

PHOTOS is what `render.py` wrote. Two views of every product, at 144 pixels on the long side, in one archive that is the
same bytes for the same photos.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

from PIL import Image

SIDE = 144
VIEWS = 2
QUALITY = 80
MOMENT = (2026, 1, 1, 0, 0, 0)
"""Of every file in the archive: the time of making it would change its bytes."""


def small(path: Path) -> bytes:
    """Return a photo as a small JPEG."""
    with Image.open(path) as photo:
        photo.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        held = io.BytesIO()
        photo.convert("RGB").save(held, "JPEG", quality=QUALITY, optimize=True)
    return held.getvalue()


def main() -> None:
    """Write the archive."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    products = sorted(folder for folder in asked.photos.glob("*/*") if folder.is_dir())
    with zipfile.ZipFile(asked.out, "w", zipfile.ZIP_STORED) as archive:
        for product in products:
            for path in sorted(product.glob("*.jpg"))[:VIEWS]:
                name = zipfile.ZipInfo(path.relative_to(asked.photos).as_posix(), MOMENT)
                archive.writestr(name, small(path))
    print(f"{asked.out}: {len(products)} products, {asked.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
