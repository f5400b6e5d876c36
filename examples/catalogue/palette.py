"""Colours and patterns, drawn from one distribution for all kinds, so that colour tells nothing about the kind."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from solids import Array, Paint

STEEL = (0.62, 0.63, 0.65)
BLACK = (0.09, 0.09, 0.10)


@dataclass(frozen=True)
class Livery:
    """The colours of one product: sRGB triples in [0, 1], a pattern in the first two, and how glossy it is."""

    main: Array
    second: Array
    accent: Array
    pattern: Paint
    gloss: float


def colour(rng: np.random.Generator) -> Array:
    """Draw a colour as shops have them: a third nearly grey, the others of any hue, from pastel to deep."""
    grey = rng.random() < 0.35
    saturation = rng.uniform(0.0, 0.12) if grey else rng.triangular(0.15, 0.4, 0.9)
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.12, 0.95)))


def livery(rng: np.random.Generator) -> Livery:
    """Draw the colours, the pattern and the gloss of one product."""
    main, second, accent = colour(rng), colour(rng), colour(rng)
    return Livery(main, second, accent, pattern(rng, main, second), float(rng.uniform(0.05, 0.8)))


def pattern(rng: np.random.Generator, main: Array, second: Array) -> Paint:
    """Draw a pattern in space: plain (half of the time), bands, checks, speckles, or a fade."""
    kind = rng.choice(["plain", "bands", "checks", "speckles", "fade"], p=[0.5, 0.15, 0.1, 0.1, 0.15])
    rate, phase = rng.uniform(4, 14), rng.uniform(0, 6)
    axis = rng.normal(size=3) * [0.4, 1.0, 0.4]
    axis /= np.linalg.norm(axis)
    noise = np.random.default_rng(int(rng.integers(2**31)))

    def share(centres: Array) -> Array:
        """How much of the second colour each centre (F, 3) gets, in [0, 1]."""
        part: ArrayLike
        match kind:
            case "bands":
                part = np.sin(centres @ axis * rate + phase) > 0.3
            case "checks":
                part = np.prod(np.sin(centres * rate + phase), axis=1) > 0
            case "speckles":
                part = noise.random(len(centres)) > 0.85
            case "fade":
                part = np.clip(centres @ axis * 0.8 + 0.5, 0, 1)
            case _:
                part = np.zeros(len(centres))
        return np.asarray(part, np.float64)

    return lambda centres: main + share(centres)[:, None] * (second - main)
