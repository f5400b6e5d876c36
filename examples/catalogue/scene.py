"""Where the product stands: a floor and a wall with textures, and other things around it."""

from __future__ import annotations

import cv2
import numpy as np
from camera import Camera, Picture
from numpy.typing import NDArray
from palette import Livery, colour, livery
from solids import Array, Solid, block, cushion, join, revolve

# Pixels of a texture's side, and how many of them make one product unit.
SIDE, DENSITY = 512, 90.0


def clouds(rng: np.random.Generator, stretch: int = 1) -> NDArray[np.float32]:
    """Make smooth noise (SIDE, SIDE) around 0 by octaves; `stretch` draws it out sideways."""
    total = np.zeros((SIDE, SIDE), np.float32)
    for cells in (4, 8, 16, 32, 64):
        grid = rng.normal(size=(cells, max(cells // stretch, 2))).astype(np.float32)
        total += cv2.resize(grid, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) / np.float32(cells**0.6)
    return np.asarray(total)


def texture(rng: np.random.Generator, style: str) -> Picture:
    """Draw a surface (SIDE, SIDE, 3) of the style."""
    tone = colour(rng)
    tone = (tone + tone.mean()) * 0.3 + rng.uniform(0.1, 0.4)
    y, x = np.mgrid[:SIDE, :SIDE]
    match style:
        case "wood":
            plank = rng.normal(size=9)[y // 64] * 0.05
            grain = 0.5 * clouds(rng, stretch=16) + 0.12 * np.sin(y / 3 + 4 * clouds(rng, stretch=8))
            value = plank + 0.12 * grain - 0.2 * (y % 64 < 2)
        case "cloth":
            value = 0.05 * np.sin(x * 1.3) * np.sin(y * 1.3) + 0.08 * clouds(rng) + 0.03 * rng.normal(size=x.shape)
        case "tiles":
            value = 0.06 * rng.normal(size=(5, 5))[y // 128, x // 128] - 0.2 * ((y % 128 < 4) | (x % 128 < 4))
        case "stripes":
            value = 0.12 * (np.sin(x / rng.uniform(5, 25)) > 0)
        case "stone":
            value = 0.1 * clouds(rng) - 0.15 * (np.abs(clouds(rng)) < 0.03)
        case _:
            value = 0.03 * clouds(rng)
    return np.asarray(np.clip(tone + value[..., None], 0, 1) * 255, np.uint8)


def shelf(rng: np.random.Generator) -> Picture:
    """Draw a wall of shelves with books and jars, (SIDE, SIDE, 3)."""
    wall = texture(rng, "plain")
    board = (colour(rng) * 200).tolist()
    for bottom in range(128, SIDE + 1, 128):
        left = int(rng.integers(0, 20))
        while left < SIDE:
            wide, tall = int(rng.integers(8, 40)), int(rng.integers(40, 110))
            if rng.random() < 0.75:
                cv2.rectangle(wall, (left, bottom - tall), (left + wide, bottom), (colour(rng) * 230).tolist(), -1)
                cv2.rectangle(
                    wall,
                    (left, bottom - tall * 3 // 4),
                    (left + wide, bottom - tall * 2 // 3),
                    (colour(rng) * 255).tolist(),
                    -1,
                )
            left += wide + int(rng.integers(1, 12))
        cv2.rectangle(wall, (0, bottom - 8), (SIDE, bottom), board, -1)
    return wall


def bokeh(rng: np.random.Generator) -> Picture:
    """Draw lights out of focus on a dark or light ground, (SIDE, SIDE, 3)."""
    wall = texture(rng, "plain")
    for _ in range(int(rng.integers(15, 50))):
        place, radius = rng.integers(0, SIDE, 2).tolist(), int(rng.integers(8, 50))
        layer = cv2.circle(wall.copy(), place, radius, (colour(rng) * 255).tolist(), -1)
        wall = np.asarray(cv2.addWeighted(layer, 0.5, wall, 0.5, 0), np.uint8)
    return np.asarray(cv2.GaussianBlur(wall, (0, 0), 4), np.uint8)


def backdrop(rng: np.random.Generator, camera: Camera, shape: tuple[int, int]) -> Picture:
    """Draw the empty room (H, W, 3) as the camera sees it: a studio sweep, or a floor before a wall."""
    if rng.random() < 0.2:
        return _studio(rng, shape)
    floor = texture(rng, str(rng.choice(["wood", "wood", "cloth", "tiles", "stone", "plain"])))
    style = str(rng.choice(["plain", "stripes", "tiles", "stone", "shelf", "shelf", "bokeh"]))
    wall = shelf(rng) if style == "shelf" else bokeh(rng) if style == "bokeh" else texture(rng, style)
    back = -rng.uniform(1.2, 3.0)
    spin = rng.uniform(0, 2 * np.pi)
    across, along = np.array([np.cos(spin), 0, np.sin(spin)]), np.array([-np.sin(spin), 0, np.cos(spin)])
    ground = _spread(floor, camera.plane(np.zeros(3), across, along), shape)
    upright = _spread(wall, camera.plane(np.array([0, 0, back]), np.array([1.0, 0, 0]), np.array([0, -1.0, 0])), shape)
    ends, _ = camera.project(np.array([[-9.0, 0, back], [9.0, 0, back]]))
    above = np.zeros(shape, np.uint8)
    far = [ends[0] + (0, -9999), ends[1] + (0, -9999)]
    cv2.fillConvexPoly(above, np.array([*ends, far[1], far[0]], np.int32), 255)
    share = cv2.GaussianBlur(above, (0, 0), 1.5)[..., None] / 255.0
    mixed = ground * (1 - share) + upright * share
    return np.asarray(cv2.GaussianBlur(mixed.astype(np.uint8), (0, 0), rng.uniform(0.7, 0.012 * shape[0])), np.uint8)


def _studio(rng: np.random.Generator, shape: tuple[int, int]) -> Picture:
    top, bottom = rng.uniform(0.55, 1.0), rng.uniform(0.6, 1.0)
    tint = 1 + 0.15 * (colour(rng) - 0.5)
    ramp = np.linspace(top, bottom, shape[0])[:, None, None] * tint
    return np.asarray(np.broadcast_to(np.clip(ramp, 0, 1) * 255, (*shape, 3)), np.uint8)


def _spread(surface: Picture, plane: Array, shape: tuple[int, int]) -> Picture:
    """Lay a texture over a plane, mirrored on and on."""
    scale = np.array([[1 / DENSITY, 0, -SIDE / 2 / DENSITY], [0, 1 / DENSITY, -SIDE / 2 / DENSITY], [0, 0, 1]])
    laid = cv2.warpPerspective(
        surface, plane @ scale, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(laid, np.uint8)


def clutter(rng: np.random.Generator, most: int) -> list[Solid]:
    """Draw up to `most` boxes, balls, cans and cloths that stand around the product, one now and then before it."""
    things = []
    for _ in range(int(rng.integers(0, most + 1))):
        turn, far = rng.uniform(0, 360), rng.uniform(1.0, 1.9)
        place = {"x": far * np.sin(np.radians(turn)), "z": far * np.cos(np.radians(turn))}
        if place["z"] > 0.5:
            place = {"x": rng.choice([-1, 1]) * rng.uniform(0.6, 1.2), "z": rng.uniform(0.7, 1.1)}
        size = rng.uniform(0.12, 0.3) if place["z"] > 0.5 else rng.uniform(0.15, 0.6)
        things.append(_thing(rng, livery(rng), size).turned(y=rng.uniform(0, 360)).moved(**place))
    return things


def _thing(rng: np.random.Generator, paint: Livery, size: float) -> Solid:
    match rng.choice(["box", "ball", "can", "ring", "books"]):
        case "box":
            x, y, z = size * rng.uniform(0.4, 1.0, 3)
            thing = block((x, y, z), paint.main).moved(y=y)
        case "ball":
            thing = cushion((size, size, size), paint.main, paint.gloss, corner=1.0).moved(y=size)
        case "can":
            wide = size * rng.uniform(0.4, 0.9)
            thing = revolve(
                [(0, 0), (wide, 0), (wide * rng.uniform(0.6, 1.2), size * 1.6), (0, size * 1.6)],
                paint.main,
                paint.gloss,
            )
        case "ring":
            thing = revolve(
                [(size, 0), (size * 1.1, 0.05), (size, 0.1), (size * 0.85, 0.05), (size, 0)], paint.main, paint.gloss
            )
        case _:
            tomes = [block((size, 0.06, size * 0.7), colour(rng)).turned(y=rng.uniform(-20, 20)) for _ in range(3)]
            return join(*[tome.moved(y=0.06 + 0.12 * i) for i, tome in enumerate(tomes)])
    return thing.painted(paint.pattern)
