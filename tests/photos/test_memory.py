"""Peak memory of decoding, measured in a process of its own, in sizes of the pixels that come out."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visionft.photos import MEMORY, jpeg2000

WIDTH, HEIGHT = 4000, 2500
LEVELS = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, WIDTH)).copy()
GREY = Image.fromarray(LEVELS)
CODED: dict[str, tuple[str, str, dict[str, Any], float]] = {
    "flat.webp": ("flat", "WEBP", {"method": 0}, 4.6),
    "rgba.webp": ("rgba", "WEBP", {"method": 0}, 6.2),
    "lossless.webp": ("rgb", "WEBP", {"method": 0, "lossless": True, "quality": 0}, MEMORY),
    "float.tiff": ("float", "TIFF", {}, 3.6),
    "integer.tiff": ("integer", "TIFF", {}, 3.6),
    "rgb.tiff": ("rgb", "TIFF", {"compression": "tiff_adobe_deflate"}, 3.2),
    "rgba.png": ("rgba", "PNG", {"compress_level": 1}, 3.2),
    "rgb.jpg": ("rgb", "JPEG", {}, 1.6),
    "cmyk.jpg": ("cmyk", "JPEG", {}, 3.2),
    "rgba.avif": ("rgba", "AVIF", {"speed": 10}, 4.8),
    "palette.gif": ("palette", "GIF", {}, 2.2),
}
OF_JPEG2000 = {"rgb.jp2": ("rgb", 6.6), "rgba.jp2": ("rgba", 8.4)}
# A second photo of each kind comes first, so that what is loaded once is not counted.
SCRIPT = """
import sys
from pathlib import Path
from visionft.photos import decode

def told(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024

small, large = (Path(name).read_bytes() for name in sys.argv[1:])
decode(small)
Path("/proc/self/clear_refs").write_text("5")
before = told("VmRSS")
pixels = decode(large)
print((told("VmHWM") - before) / pixels.nbytes)
"""


def picture(what: str) -> Image.Image:
    colours = Image.merge("RGB", (GREY, GREY, GREY))
    if what == "rgba":
        colours.putalpha(GREY)
    made = {
        "flat": lambda: Image.new("RGB", (WIDTH, HEIGHT), "white"),
        "float": lambda: Image.fromarray(LEVELS.astype(np.float32) * 257),
        "integer": lambda: Image.fromarray(LEVELS.astype(np.int32)),
        "cmyk": lambda: colours.convert("CMYK"),
        "palette": lambda: GREY.convert("P"),
    }
    return made.get(what, lambda: colours)()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="SKIPPED ALOUD: Linux alone tells peaks")
@pytest.mark.parametrize("name", CODED)
def test_decoding_takes_a_small_multiple_of_the_pixels(name: str, tmp_path: Path) -> None:
    what, kind, told, most = CODED[name]
    assert multiple(tmp_path, what, kind, told) < most <= MEMORY


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="SKIPPED ALOUD: Linux alone tells peaks")
@pytest.mark.parametrize("name", OF_JPEG2000)
def test_a_jpeg_2000_takes_a_multiple_of_its_own(name: str, tmp_path: Path) -> None:
    what, most = OF_JPEG2000[name]
    assert multiple(tmp_path, what, "JPEG2000", {}) < most <= jpeg2000.MEMORY


def multiple(tmp_path: Path, what: str, kind: str, told: dict[str, Any]) -> float:
    """Return the peak of decoding a picture, in sizes of its pixels."""
    files = []
    for size, image in {"large": picture(what), "small": picture(what).crop((WIDTH - 64, 0, WIDTH, 64))}.items():
        file = BytesIO()
        image.save(file, kind, **told)
        files.append(tmp_path / size)
        files[-1].write_bytes(file.getvalue())
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(files[1]), str(files[0])]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return float(found.stdout)
