"""Pictures with detail, drawn on the spot: two classes told by their colours."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

HUES = {"hat": (200, 60, 40), "pants": (40, 80, 200)}


def scene(seed: int, label: str = "hat", size: tuple[int, int] = (240, 180)) -> Image.Image:
    """Draw fifty shapes about the colour of a class; every seed gives another picture."""
    rng = np.random.default_rng([seed, len(label)])
    picture = Image.new("RGB", size, tuple(int(level) for level in np.array(HUES[label]) // 2))
    draw = ImageDraw.Draw(picture)
    for _ in range(50):
        x, y = (int(rng.integers(0, side)) for side in size)
        w, h = (int(value) for value in rng.integers(6, 50, 2))
        colour = tuple(int(v) for v in np.clip(np.array(HUES[label]) + rng.integers(-60, 60, 3), 0, 255))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), fill=colour)
    return picture
