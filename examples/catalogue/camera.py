"""A pinhole camera and one lamp: solids become pixels by painting their quads from far to near.

Pixels are sRGB uint8 (H, W, 3). The camera stands before the origin, looks along -z and a little down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from solids import Array, Solid, turn

Picture = NDArray[np.uint8]
# Fixed-point bits of cv2's coordinates: sixteenths of a pixel keep thin parts straight.
SHIFT = 4
# Product units above the floor below which a face darkens the floor around it.
NEAR_FLOOR = 0.35


@dataclass(frozen=True)
class Camera:
    """Where the picture is taken from: angles in degrees, the rest in product units, `centre` in pixels."""

    pitch: float
    roll: float
    distance: float
    focal: float
    centre: tuple[float, float]
    aim: float

    @property
    def axes(self) -> Array:
        """The (3, 3) matrix from world to camera axes (x right, y down, z forward)."""
        return np.asarray(np.diag([1.0, -1.0, -1.0]) @ turn(z=self.roll) @ turn(x=self.pitch))

    @property
    def eye(self) -> Array:
        """The camera's place (3,)."""
        return np.array([0, self.aim, 0]) + self.distance * np.array(
            [0, np.sin(np.radians(self.pitch)), np.cos(np.radians(self.pitch))]
        )

    def shrunk(self, factor: float) -> Camera:
        """Give the same camera for a picture `factor` times smaller."""
        return replace(self, focal=self.focal / factor, centre=(self.centre[0] / factor, self.centre[1] / factor))

    def project(self, points: Array) -> tuple[Array, Array]:
        """Give pixel places (..., 2) and depths (...) of points (..., 3)."""
        seen = (points - self.eye) @ self.axes.T
        depth = np.maximum(seen[..., 2], 0.05)
        return seen[..., :2] / depth[..., None] * self.focal + self.centre, seen[..., 2]

    def plane(self, origin: Array, u: Array, v: Array) -> Array:
        """Give the homography (3, 3) from plane coordinates (u, v, 1) to pixels."""
        lens = np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1]])
        return np.asarray(lens @ self.axes @ np.stack([u, v, origin - self.eye], 1))


@dataclass(frozen=True)
class Lamp:
    """The light: `towards` (3,) points from the product to the lamp; colours (3,) are linear RGB."""

    towards: Array
    key: Array
    ambient: Array
    softness: float


def lamp(rng: np.random.Generator) -> Lamp:
    """Draw a light from the upper half, warm or cool, hard or soft."""
    around, high = rng.uniform(-2.4, 2.4), np.radians(rng.uniform(28, 75))
    towards = np.array([np.sin(around) * np.cos(high), np.sin(high), np.cos(around) * np.cos(high)])
    warm = np.array([1.0, 1.0, 1.0]) + rng.uniform(-0.18, 0.22) * np.array([1.0, 0.1, -1.0])
    strength = rng.uniform(0.6, 1.0)
    return Lamp(towards, warm * strength, (2 - warm) * rng.uniform(0.25, 0.5), float(rng.uniform(0.03, 0.2)))


def shade(solid: Solid, camera: Camera, light: Lamp) -> Array:
    """Light every face: hemisphere, Lambert, a Blinn-Phong highlight and a pale rim; sRGB (F, 3) in [0, 255]."""
    faces = solid.faces
    normal = np.cross(faces[:, 2] - faces[:, 0], faces[:, 3] - faces[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    centre = faces.mean(1)
    view = camera.eye - centre
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    # Surfaces are thin sheets: the side that is seen is the one that is lit.
    normal *= np.where((normal * view).sum(1) < 0, -1.0, 1.0)[:, None]
    lambert = np.clip(normal @ light.towards, 0, 1)
    half = view + light.towards
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    shine = np.clip((normal * half).sum(1), 0, 1) ** (6 + 60 * solid.gloss) * solid.gloss
    rim = (1 - np.clip((normal * view).sum(1), 0, 1)) ** 4 * solid.gloss * 0.3
    occluded = 0.6 + 0.4 * np.clip(centre[:, 1] / 0.3, 0, 1)
    sky = (0.65 + 0.35 * normal[:, 1]) * occluded
    linear = solid.colours**2.2 * (lambert[:, None] * light.key + sky[:, None] * light.ambient)
    linear += (0.7 * shine * (lambert > 0))[:, None] * light.key + rim[:, None] * light.ambient
    return np.asarray(np.clip(linear, 0, 1) ** (1 / 2.2) * 255)


def paint(picture: Picture, solid: Solid, camera: Camera, light: Lamp) -> None:
    """Paint the solid's faces into the picture, far ones first."""
    places, depth = camera.project(solid.faces)
    near = depth.mean(1)
    seen = np.flatnonzero(depth.min(1) > 0.1)
    colours = shade(solid, camera, light).round()
    corners = _fixed(places)
    for face in seen[np.argsort(-near[seen], kind="stable")]:
        cv2.fillConvexPoly(picture, corners[face], colours[face].tolist(), cv2.LINE_8, SHIFT)


def shadows(shape: tuple[int, int], solid: Solid, camera: Camera, light: Lamp) -> NDArray[np.float32]:
    """Give how much light each pixel (H, W) of the floor keeps, in [0, 1]: a cast shadow and a contact shadow."""
    straight = np.array([0.0, 1.0, 0.0])
    low = solid.faces[..., 1].max(1) < NEAR_FLOOR
    touching = Solid(solid.faces[low], solid.colours[low], solid.gloss[low])
    cast = _shadow(shape, solid, camera, light.towards, light.softness)
    contact = _shadow(shape, touching, camera, straight, 0.08)
    keep = (1 - 0.45 * cast) * (1 - 0.4 * contact)
    return np.asarray(cv2.resize(keep, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _shadow(
    shape: tuple[int, int], solid: Solid, camera: Camera, towards: Array, softness: float
) -> NDArray[np.float32]:
    """Drop the solid's faces to the floor along the light; (H/4, W/4) in [0, 1], as a blur hides the coarse pixels."""
    fallen = solid.faces - np.maximum(solid.faces[..., 1:2], 0) * towards / towards[1]
    places, depth = camera.project(fallen)
    mask = np.zeros((-(-shape[0] // 4), -(-shape[1] // 4)), np.uint8)
    for corners in _fixed(places[depth.min(1) > 0.1] / 4):
        cv2.fillConvexPoly(mask, corners, 255, cv2.LINE_8, SHIFT)
    sigma = max(softness * camera.focal / camera.distance / 4, 0.8)
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sigma))


def _fixed(places: Array) -> NDArray[np.int32]:
    return np.asarray(np.clip(places, -4000, 8000) * (1 << SHIFT), np.int32)
