"""One photo: a product in a scene, seen by a camera, with what a lens, a sensor and a JPEG file do to it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import goods
import numpy as np
import vessels
from camera import Camera, Picture, lamp, paint, shadows
from palette import Livery, livery
from PIL import Image
from scene import backdrop, clutter
from solids import Solid, join

KINDS: dict[str, Callable[[np.random.Generator, Livery], Solid]] = {
    "backpack": goods.backpack,
    "bottle": vessels.bottle,
    "chair": goods.chair,
    "headphones": goods.headphones,
    "lamp": vessels.lamp,
    "mug": vessels.mug,
    "shoe": goods.shoe,
    "teapot": vessels.teapot,
    "umbrella": goods.umbrella,
    "watch": goods.watch,
}
RATIOS = (3 / 4, 4 / 5, 1.0, 1.0, 5 / 4, 4 / 3)
# Pictures are drawn twice as large and averaged: the edges come out smooth.
OVERSAMPLING = 2


@dataclass(frozen=True)
class View:
    """How a photographer takes one of a product's photos; angles in degrees, `fill` as a share of the short side."""

    name: str
    facing: tuple[float, float]
    pitch: tuple[float, float]
    fill: tuple[float, float]
    clutter: int
    offset: float


VIEWS = (
    View("front", (-30, 30), (4, 25), (0.7, 1.0), 1, 0.05),
    View("side", (40, 140), (4, 30), (0.7, 1.0), 1, 0.06),
    View("above", (-180, 180), (30, 50), (0.65, 0.95), 1, 0.07),
    View("scene", (-70, 70), (6, 30), (0.45, 0.65), 3, 0.12),
    View("detail", (-60, 60), (5, 30), (1.05, 1.35), 0, 0.12),
    View("back", (150, 210), (5, 30), (0.65, 0.95), 1, 0.07),
)


def product(kind: str, seed: int, sku: int) -> Solid:
    """Build one product; the same numbers give the same product."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind), sku])
    return KINDS[kind](rng, livery(rng)).settled()


def take(kind: str, seed: int, sku: int, view: int, comment: bytes = b"") -> bytes:
    """Take one photo as JPEG bytes, 240 to 640 pixels on the long side; a pure function of its arguments."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind), sku, view, 1])
    return shoot(rng, product(kind, seed, sku), VIEWS[view % len(VIEWS)], comment)


def shoot(rng: np.random.Generator, settled: Solid, plan: View, comment: bytes = b"") -> bytes:
    """Take a photo of any settled solid, as JPEG bytes."""
    height, width = _size(rng)
    shape = (height * OVERSAMPLING, width * OVERSAMPLING)
    thing = _posed(rng, settled, plan)
    camera, light = _camera(rng, plan, thing, shape), lamp(rng)
    everything = join(thing, *clutter(rng, plan.clutter))
    # The room is out of focus: drawn at the final size it loses nothing, and costs a quarter.
    room = backdrop(rng, camera.shrunk(OVERSAMPLING), (height, width))
    large = cv2.resize(room, shape[::-1], interpolation=cv2.INTER_LINEAR)
    drawn = np.ascontiguousarray(large * shadows(shape, everything, camera, light)[..., None], np.uint8)
    paint(drawn, everything, camera, light)
    return _develop(
        rng, np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA), np.uint8), comment
    )


def _size(rng: np.random.Generator) -> tuple[int, int]:
    long, ratio = int(rng.integers(240, 641)), rng.choice(RATIOS)
    return (long, round(long * ratio)) if ratio < 1 else (round(long / ratio), long)


def _posed(rng: np.random.Generator, thing: Solid, plan: View) -> Solid:
    mirror = rng.choice([-1.0, 1.0])
    return thing.scaled(mirror, 1, 1).turned(y=rng.uniform(*plan.facing))


def _camera(rng: np.random.Generator, plan: View, thing: Solid, shape: tuple[int, int]) -> Camera:
    distance, short = rng.uniform(3.2, 6.0), min(shape)
    centre = (np.array(shape[::-1]) / 2 + rng.uniform(-plan.offset, plan.offset, 2) * short).tolist()
    # A settled product has a radius of one: two units across fill `fill` of the short side.
    focal = distance * short * rng.uniform(*plan.fill) / 2
    aim = float(thing.faces[..., 1].max() / 2)
    return Camera(rng.uniform(*plan.pitch), rng.normal() * 4, distance, focal, (centre[0], centre[1]), aim)


def _develop(rng: np.random.Generator, picture: Picture, comment: bytes) -> bytes:
    """Vignette, cast and exposure, blur, noise, JPEG."""
    height, width = picture.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    vignette = 1 - rng.uniform(0, 0.25) * (x**2 + y**2) / 2
    slope = 1 + rng.uniform(-0.2, 0.2) * x + rng.uniform(-0.2, 0.2) * y
    cast = rng.uniform(0.85, 1.2) * (1 + rng.normal(size=3) * 0.06)
    light = picture * (vignette * slope)[..., None].astype(np.float32) * cast.astype(np.float32)
    if rng.random() < 0.4:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 1.6)), np.float32)
    light = light + rng.uniform(0.5, 7) * rng.standard_normal(light.shape, np.float32)
    file = io.BytesIO()
    pixels = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))
    pixels.save(file, "JPEG", quality=int(rng.integers(60, 95)), comment=comment)
    return file.getvalue()
