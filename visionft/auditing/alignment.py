"""Lay one picture over another, and say how alike they then are: found through crops, turns, borders and mirrors.

Keypoints (SIFT, Lowe 2004) of both are matched, the similarity transform that most of them agree on is taken, and the
pictures are compared where they overlap. Two photos of like things agree on no transform; a picture and its edit do.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visionft.auditing.measures import shrunken

SIDE = 192
"""Longest side in pixels of the pictures that are compared."""
KEYPOINTS = 250
FEW = 12  # keypoints below which a picture is too plain to be laid over another by them
MATCHES = 5  # that have to agree on one transform
_RATIO = 0.85  # of the nearest descriptor's distance to the second nearest one's (Lowe 2004, section 7.1)
_NEAR = 2.5  # pixels that a keypoint may lie off
_SCALES = (0.25, 4.0)
_DETAIL = 3.0  # pixels: what is coarser than this is taken off, so that light and background do not make photos alike
_OVERLAP = 600  # pixels that have to overlap
_WINDOW = 12  # pixels of a window whose correlation counts for one
_TYPICAL = 40  # percent of the windows that may be less alike: those that a mark lies over, in one of the photos
_FLAT = 4.0  # variance in levels below which a window holds nothing to compare
_PLAIN_LEVELS = 3.0
_SURE = 0.5  # likeness from which the other way round cannot be the better one

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sketch:
    """What is compared of a picture.

    Attributes:
        grey: (h, w) levels.
        points: (k, 2) x and y of keypoints, in pixels.
        descriptors: (k, 128) of unit length, float32.
    """

    grey: Grey
    points: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def mirrored(self) -> Sketch:
        """Return the sketch of the mirrored picture; its descriptors are the same numbers in another order."""
        points = self.points.copy()
        points[:, 0] = self.grey.shape[1] - 1 - points[:, 0]
        grid = self.descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
        turned = np.roll(grid[..., ::-1], 1, axis=-1)
        return Sketch(np.ascontiguousarray(self.grey[:, ::-1]), points, turned.reshape(-1, 128))


def sketch(pixels: NDArray[np.uint8]) -> Sketch:
    """Return the sketch of a photo (H, W, 3) of uint8 RGB."""
    grey = np.asarray(cv2.cvtColor(shrunken(pixels, SIDE), cv2.COLOR_RGB2GRAY), np.uint8)
    finder = cv2.SIFT_create(nfeatures=KEYPOINTS, contrastThreshold=0.02)  # type: ignore[attr-defined]  # not in its stubs
    found, descriptors = finder.detectAndCompute(grey, None)
    if descriptors is None:
        return Sketch(grey, np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    # the square root of shares: RootSIFT (Arandjelovic and Zisserman 2012)
    shares = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return Sketch(grey, np.array([point.pt for point in found], np.float32), np.asarray(shares, np.float32))


def likeness(first: Sketch, second: Sketch, covering: float = 0.0) -> float:
    """Return how alike two pictures are, in [0, 1]: the typical correlation of their details where they overlap.

    0 where no transform lays one over the other. The better of both ways round, mirrored or not, counts.

    Args:
        first: one picture.
        second: the other.
        covering: share of each that has to overlap; above 0 nothing is said of pictures too plain to be laid over.
    """
    if min(len(first.points), len(second.points)) < FEW:
        return 0.0 if covering else max(_plain(first.grey, second.grey), _plain(first.grey[:, ::-1], second.grey))
    straight = _aligned(first, second, covering)
    return straight if straight > _SURE else max(straight, _aligned(first.mirrored(), second, covering))


def _aligned(first: Sketch, second: Sketch, covering: float) -> float:
    here, there = _matched(first.descriptors, second.descriptors)
    if len(here) < MATCHES:
        return 0.0
    transform, agreed = cv2.estimateAffinePartial2D(
        first.points[here], second.points[there], ransacReprojThreshold=_NEAR, maxIters=500
    )
    if transform is None or int(agreed.sum()) < MATCHES:
        return 0.0
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    if not _SCALES[0] < scale < _SCALES[1]:
        return 0.0
    overlap = max(_OVERLAP, covering * max(second.grey.size, scale**2 * first.grey.size))
    return _correlation(first.grey, second.grey, np.asarray(transform, np.float64), overlap)


def _matched(first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the descriptors that are each other's nearest ones, and clearly nearer than the next."""
    closeness = first @ second.T
    rows = np.arange(len(first))
    best = closeness.argmax(axis=1)
    mutual = closeness.argmax(axis=0)[best] == rows
    nearest = closeness[rows, best]
    closeness[rows, best] = -1
    distances = np.sqrt(np.maximum(0, 2 - 2 * np.stack([nearest, closeness.max(axis=1)])))
    good = np.flatnonzero(mutual & (distances[0] < _RATIO * distances[1]))
    return good, best[good]


def _correlation(first: Grey, second: Grey, transform: NDArray[np.float64], overlap: float) -> float:
    size = (second.shape[1], second.shape[0])
    laid = np.asarray(cv2.warpAffine(first, transform, size, flags=cv2.INTER_LINEAR), np.uint8)
    covered = cv2.warpAffine(np.full_like(first, 255), transform, size, flags=cv2.INTER_NEAREST)
    inside = cv2.erode(covered, np.ones((7, 7), np.uint8)) > 0
    if int(inside.sum()) < overlap:
        return 0.0
    return _typical(_detail(laid), _detail(second), inside)


def _typical(first: NDArray[np.float32], second: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Return a low quantile of the correlations in windows all over the overlap, of those that hold any detail.

    Of all of it together, a large mark that two photos of a shop share would make them alike.
    """
    weight = cv2.blur(inside.astype(np.float32), (_WINDOW, _WINDOW)) + 1e-6

    def local(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(values * inside, (_WINDOW, _WINDOW)) / weight, np.float32)

    means = local(first), local(second)
    spreads = local(first**2) - means[0] ** 2, local(second**2) - means[1] ** 2
    shared = local(first * second) - means[0] * means[1]
    telling = inside & (np.maximum(*spreads) > _FLAT)
    if int(telling.sum()) < _OVERLAP // 2:
        return 0.0
    correlation = shared / np.sqrt(np.maximum(spreads[0] * spreads[1], 1e-6))
    return max(0.0, float(np.percentile(correlation[telling], _TYPICAL)))


def _detail(grey: Grey) -> NDArray[np.float32]:
    levels = grey.astype(np.float32)
    return np.asarray(levels - cv2.GaussianBlur(levels, (0, 0), _DETAIL), np.float32)


def _plain(first: Grey, second: Grey) -> float:
    """Compare pictures without detail, pixel by pixel: 1 where they are the same to some levels, else 0."""
    small = [cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32) for grey in (first, second)]
    same_shape = abs(np.log(first.shape[0] / first.shape[1] * second.shape[1] / second.shape[0])) < 0.1
    return 1.0 if same_shape and float(np.abs(small[0] - small[1]).max()) < _PLAIN_LEVELS else 0.0
