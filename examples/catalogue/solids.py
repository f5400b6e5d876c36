"""Solids as clouds of coloured quads: the clay that the products are made of.

Right-handed axes in product units: x to the right, y up, z towards the camera. A product is about one unit in radius.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Paint = Callable[[Array], Array]
"""Colours (F, 3) in [0, 1] for face centres (F, 3)."""


@dataclass(frozen=True)
class Solid:
    """A surface of quads: `faces` (F, 4, 3), `colours` (F, 3) sRGB in [0, 1], `gloss` (F,) in [0, 1]."""

    faces: Array
    colours: Array
    gloss: Array

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Solid:
        """Shift by (x, y, z)."""
        return replace(self, faces=self.faces + np.array([x, y, z]))

    def scaled(self, x: float, y: float | None = None, z: float | None = None) -> Solid:
        """Stretch about the origin; one number stretches all axes."""
        return replace(self, faces=self.faces * np.array([x, x if y is None else y, x if z is None else z]))

    def turned(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Solid:
        """Rotate about the origin, in degrees, about x, then z, then y."""
        return replace(self, faces=self.faces @ turn(x, y, z).T)

    def settled(self) -> Solid:
        """Shrink to a radius of one, stand on the floor (y = 0), centred over the origin."""
        low, high = self.faces.min((0, 1)), self.faces.max((0, 1))
        middle = (low + high) / 2 * [1, 0, 1] + low * [0, 1, 0]
        return replace(self, faces=(self.faces - middle) * (2 / np.linalg.norm(high - low)))

    def painted(self, paint: Paint) -> Solid:
        """Colour every face by its centre."""
        return replace(self, colours=paint(self.faces.mean(1)))


def turn(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Array:
    """Make the (3, 3) rotation by degrees about x, then z, then y."""
    a, b, c = np.radians([x, y, z])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_z @ about_x)


def join(*parts: Solid) -> Solid:
    """Put solids together as one."""
    return Solid(
        np.concatenate([p.faces for p in parts]),
        np.concatenate([p.colours for p in parts]),
        np.concatenate([p.gloss for p in parts]),
    )


def sheet(points: Array, colour: ArrayLike, gloss: float = 0.3) -> Solid:
    """Span quads over a grid of points (A, B, 3)."""
    faces = np.stack([points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]], axis=2).reshape(-1, 4, 3)
    return Solid(faces, np.tile(np.asarray(colour, float), (len(faces), 1)), np.full(len(faces), gloss))


def revolve(
    profile: Sequence[tuple[float, float]], colour: ArrayLike, gloss: float = 0.3, *, round_off: bool = False
) -> Solid:
    """Turn a profile of (radius, height) pairs about the y axis; its edges are cut so that faces stay small."""
    given = np.asarray(profile, float)
    if round_off:
        given = np.maximum(curve(given, 3 * len(given)), [0.0, -1.0])
    steps = np.linspace(0, len(given) - 1, (2 if round_off else 4) * (len(given) - 1) + 1)
    radius, height = (np.interp(steps, np.arange(len(given)), given[:, i]) for i in (0, 1))
    angle = np.linspace(0, 2 * np.pi, 57)
    x, z = radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)
    return sheet(np.stack([x, np.broadcast_to(height[:, None], x.shape), z], -1), colour, gloss)


def curve(knots: ArrayLike, points: int = 24) -> Array:
    """Run a Catmull-Rom curve (points, D) through the knots (K, D)."""
    k = np.asarray(knots, float)
    k = np.concatenate([2 * k[:1] - k[1:2], k, 2 * k[-1:] - k[-2:-1]])
    at = np.linspace(0, len(k) - 3, points)
    i = np.minimum(at.astype(int), len(k) - 4)
    t = (at - i)[:, None]
    a, b, c, d = k[i], k[i + 1], k[i + 2], k[i + 3]
    return np.asarray(b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))


def tube(path: Array, radius: float | Array, colour: ArrayLike, gloss: float = 0.3, flat: float = 1.0) -> Solid:
    """Sweep a ring of `radius` (a number, or one a point) along a path (K, 3); `flat` squeezes the ring."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    # The axis that the path follows least keeps the frame from collapsing.
    up = np.eye(3)[np.abs(along).mean(0).argmin()]
    side = np.cross(along, up)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
    lift = np.cross(side, along)
    angle = np.linspace(0, 2 * np.pi, 15)
    ring = np.cos(angle)[:, None] * side[:, None] * flat + np.sin(angle)[:, None] * lift[:, None]
    return sheet(path[:, None] + np.broadcast_to(radius, len(path))[:, None, None] * ring, colour, gloss)


def cushion(size: tuple[float, float, float], colour: ArrayLike, gloss: float = 0.2, corner: float = 0.4) -> Solid:
    """Make a superquadric of half sizes `size`: corner 1 an ellipsoid, towards 0 a box."""
    v, u = np.meshgrid(np.linspace(-np.pi / 2, np.pi / 2, 21), np.linspace(-np.pi, np.pi, 41), indexing="ij")

    def power(wave: Array) -> Array:
        return np.asarray(np.sign(wave) * np.abs(wave) ** corner)

    unit = np.stack([power(np.cos(v)) * power(np.cos(u)), power(np.sin(v)), power(np.cos(v)) * power(np.sin(u))], -1)
    return sheet(unit * np.array(size), colour, gloss)


def block(size: tuple[float, float, float], colour: ArrayLike, gloss: float = 0.2) -> Solid:
    """Make a sharp box of half sizes `size` about the origin, each side a grid so that depth sorting works."""
    a, b = np.meshgrid(np.linspace(-1, 1, 7), np.linspace(-1, 1, 7), indexing="ij")
    one = np.ones_like(a)
    sides = [np.stack([(a, b, s * one)[(i - k) % 3] for i in range(3)], -1) for k in range(3) for s in (-1, 1)]
    return join(*[sheet(side * np.array(size), colour, gloss) for side in sides])
