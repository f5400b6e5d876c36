"""Scenes of random solids for the teacher to look at: shapes, light and shadow without a label and without a licence.

python examples/pico/scenes.py OUT [--count 3000] [--seed 0]

A sculpture is put together from turned, swept, rounded and boxed parts, in rooms of the sample catalogue's renderer.
None is drawn to be a product: what a fit on the catalogue is asked to tell apart is never shown. A second call renders
only what is missing.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "catalogue"))

from palette import Livery, livery
from photo import VIEWS, shoot
from solids import Solid, block, curve, cushion, join, revolve, tube

PARTS = 6
"""Most parts of a sculpture."""


def turned(rng: np.random.Generator, paint: Livery) -> Solid:
    """Turn a random profile on a wheel."""
    knots = int(rng.integers(3, 9))
    heights = np.sort(rng.uniform(-0.6, 0.6, knots))
    radii = rng.uniform(0.02, 0.55, knots)
    if rng.random() < 0.6:
        radii[0] = 0.0
    return revolve(list(zip(radii, heights, strict=True)), paint.main, paint.gloss, round_off=bool(rng.random() < 0.5))


def swept(rng: np.random.Generator, paint: Livery) -> Solid:
    """Sweep a ring along a random curve: rods, arcs, rings and straps."""
    knots = rng.normal(size=(int(rng.integers(2, 6)), 3)) * 0.45
    path = curve(knots) if len(knots) > 2 else np.linspace(knots[0], knots[1], 12)
    thick = rng.uniform(0.015, 0.12) * np.linspace(1, rng.uniform(0.3, 1.0), len(path))
    return tube(path, thick, paint.second, paint.gloss, flat=float(rng.uniform(0.3, 2.0)))


def rounded(rng: np.random.Generator, paint: Livery) -> Solid:
    """Make anything from a box with soft edges to a ball."""
    wide, tall, deep = rng.uniform(0.05, 0.6, 3)
    return cushion((wide, tall, deep), paint.main, paint.gloss, corner=float(rng.uniform(0.15, 1.0)))


def boxed(rng: np.random.Generator, paint: Livery) -> Solid:
    """Make a sharp box, a board or a rod."""
    wide, tall, deep = rng.uniform(0.02, 0.55, 3)
    return block((wide, tall, deep), paint.second, paint.gloss)


def sculpture(rng: np.random.Generator) -> Solid:
    """Put parts together: one after the other, mirrored, or in a ring; some beside each other by chance alone."""
    paint, parts = livery(rng), list[Solid]()
    for _ in range(int(rng.integers(1, PARTS + 1))):
        make = (turned, swept, rounded, boxed)[int(rng.integers(4))]
        part = make(rng, paint)
        part = part.painted(paint.pattern) if rng.random() < 0.5 else part
        x, y, z = rng.uniform(-25, 25, 3) if rng.random() < 0.7 else rng.uniform(-180, 180, 3)
        part = part.turned(x, y, z).moved(*(rng.normal(size=3) * [0.35, 0.45, 0.35]))
        parts += _repeated(rng, part)
        paint = paint if rng.random() < 0.6 else livery(rng)
    return join(*parts).settled()


def _repeated(rng: np.random.Generator, part: Solid) -> list[Solid]:
    match rng.choice(["once", "mirrored", "ring", "row"], p=[0.45, 0.3, 0.15, 0.1]):
        case "mirrored":
            return [part, part.scaled(-1, 1, 1)]
        case "ring":
            count = int(rng.integers(3, 7))
            return [part.turned(y=360 * i / count) for i in range(count)]
        case "row":
            step = rng.normal(size=3) * 0.2
            return [part.moved(*(step * i)) for i in range(int(rng.integers(2, 5)))]
        case _:
            return [part]


def scene(seed: int, number: int) -> bytes:
    """Take one photo, a pure function of its arguments."""
    rng = np.random.default_rng([seed, number, 7])
    return shoot(rng, sculpture(rng), VIEWS[int(rng.integers(len(VIEWS)))])


def _write(out: Path, seed: int, number: int) -> None:
    path = out / f"{number:05}.jpg"
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_bytes(scene(seed, number))
        part.replace(path)


def main() -> None:
    """Render what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in pool.map(partial(_write, given.out, given.seed), range(given.count), chunksize=16):
            pass
    print(f"{given.out}: {given.count} scenes")


if __name__ == "__main__":
    main()
