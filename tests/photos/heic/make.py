"""How the files beside this one were made: pillow-heif (its encoder is GPL, so no test needs it), and this script."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

LEVELS = (np.mgrid[0:16, 0:24].sum(0) * 6 % 256).astype(np.uint8)
COLOURS = np.stack([LEVELS, LEVELS[::-1], 255 - LEVELS], -1)
EXACT: dict[str, Any] = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}


def write(name: str, picture: Image.Image, **told: Any) -> None:
    file = BytesIO()
    picture.save(file, "HEIF", **told)
    Path(__file__).with_name(name).write_bytes(file.getvalue())


if __name__ == "__main__":
    pillow_heif.register_heif_opener()
    for orientation in range(1, 9):
        picture = Image.fromarray(COLOURS)
        exif = Image.Exif()
        exif[0x0112] = orientation
        write(f"turned_{orientation}.heic", picture, exif=exif.tobytes(), **EXACT)
    clear = Image.fromarray(COLOURS)
    clear.putalpha(Image.fromarray(LEVELS[:, ::-1].copy()))
    write("alpha.heic", clear, **EXACT)
    write("grey.heic", Image.fromarray(LEVELS), quality=-1)
    write("tile.heic", Image.fromarray(np.tile(COLOURS, (4, 3, 1))[:64, :64]), **EXACT)
    write("large.heic", Image.new("RGB", (4000, 2500), "white"), quality=30)
    coarse = np.random.default_rng(0).integers(0, 256, (25, 20, 3), np.uint8)
    write("photo.heic", Image.fromarray(coarse).resize((160, 200), Image.Resampling.BICUBIC), quality=70)
