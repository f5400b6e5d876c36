"""Photos drawn on the spot: small, distinct, and the same each time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Tree = Callable[[Iterable[str]], Path]


def draw(path: Path, seed: int, size: tuple[int, int] = (24, 16)) -> None:
    """Write a photo of random colours; equal seeds give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a function that draws a distinct photo at each path; a path that ends in a slash becomes a folder."""
    root = tmp_path / "photos"

    def plant(paths: Iterable[str]) -> Path:
        for path in paths:
            if path.endswith("/"):
                (root / path).mkdir(parents=True, exist_ok=True)
            else:
                draw(root / path, seed=zlib.crc32(path.encode()))
        return root

    return plant


@pytest.fixture
def bare(tmp_path: Path) -> Tree:
    """Return a function as `tree`, whose photos are one byte: for what never opens them."""
    root = tmp_path / "photos"

    def plant(paths: Iterable[str]) -> Path:
        for path in paths:
            place = root / path
            (place if path.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
            if not path.endswith("/"):
                place.write_bytes(b"x")
        return root

    return plant


@pytest.fixture
def two_classes(tree: Tree) -> Path:
    """Return a folder of two classes with twenty photos each."""
    return tree(f"{name}/{i:02}.png" for name in ("hat", "shoe") for i in range(20))
