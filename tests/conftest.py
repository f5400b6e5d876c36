"""Fixtures for every room."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image

from tests.hub_server import TOKEN, Hub, serving

# At import, not in a fixture: test files copy the environment when they are collected. It keeps the tests, and the
# processes that they start, out of the user's caches.
CACHE = Path(tempfile.mkdtemp(prefix="visionft-tests-"))
os.environ["VISIONFT_CACHE"] = str(CACHE)
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)
# How long an example takes says what else the machine does, not whether the code is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
# A shell that starts the tests in its background has ^C ignored, also in the processes that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)  # after those that are not asked for went
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that may take longest, as their bounds say: one process should not end alone with them."""
    bounds: dict[Path, float] = {}
    for item in items:
        bound = item.get_closest_marker("timeout")
        bounds[item.path] = max(bounds.get(item.path, 0.0), bound.args[0] if bound else 0.0)
    items.sort(key=lambda item: -bounds[item.path])


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared photos and weights: $VISIONFT_SHARED, else `shared` beside the repository."""
    place = Path(os.environ.get("VISIONFT_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not (place / "data").is_dir():
        pytest.skip(f"SKIPPED ALOUD: no shared photos at {place}; set VISIONFT_SHARED to the folder that holds data/")
    return place


@pytest.fixture
def deep() -> Iterator[Callable[[Path, str, int, str], None]]:
    """Return a function that nests folders of one name in a folder and puts a file into the last one.

    They are removed afterwards, as pytest's own way of removing them is a recursion.
    """
    made: list[Path] = []

    def nest(root: Path, name: str, levels: int, file: str) -> None:
        made.append(root / name)
        here = os.open(root, os.O_RDONLY)
        for _ in range(levels):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open(file, os.O_CREAT, dir_fd=here))
        os.close(here)

    yield nest
    subprocess.run(["rm", "-rf", *made], check=True)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 60 small photos: discs, squares and stripes in any colour, 20 of each."""
    root = tmp_path_factory.mktemp("photos") / "shapes"
    random = np.random.default_rng(0)
    for kind in ("disc", "square", "stripes"):
        (root / kind).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(_shape(kind, random)).save(root / kind / f"{number:02}.jpg", quality=95)
    return root


SMALL: dict[str, Any] = {
    "backbone": "test_resnet", "weights": "none", "epochs": 1, "preprocess.size": 32, "augment.size": 32,
    "optim.batch_size": 8, "optim.micro_batch": 8, "hardware.workers": 0, "hardware.precision": "fp32",
    "hardware.threads": 1, "hardware.device": "cpu",
}  # fmt: skip
"""Flags of a run that takes a second or two."""


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    """Return the flags of a run that takes a second or two."""
    return dict(SMALL)


@pytest.fixture(scope="session")
def trained(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was fitted to the shapes and evaluated; no test may change it."""
    import visionft

    return visionft.fit(shapes, out=tmp_path_factory.mktemp("trained") / "run", say=lambda _: None, **SMALL).path


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Return a hub of this machine, which this process and those that it starts take for the hub; with a token."""
    from huggingface_hub import constants

    with serving() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        template = f"{server.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
        values = {"HF_ENDPOINT": server.endpoint, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
        for name, value in {**values, "HF_TOKEN": TOKEN, "VISIONFT_CACHE": str(tmp_path / "cache")}.items():
            monkeypatch.setenv(name, value)
        yield server


def _shape(kind: str, random: np.random.Generator) -> NDArray[np.uint8]:
    height, width = random.integers(48, 72, 2)
    y, x = np.mgrid[:height, :width]
    cy, cx, r = height * random.uniform(0.4, 0.6), width * random.uniform(0.4, 0.6), 12 + 6 * random.random()
    inside = {
        "disc": (y - cy) ** 2 + (x - cx) ** 2 < r**2,
        "square": np.maximum(abs(y - cy), abs(x - cx)) < r * 0.8,
        "stripes": (y // 5) % 2 == 0,
    }[kind]
    back, front = random.integers(0, 256, (2, 3))
    noise = random.normal(0, 6, (height, width, 3))
    return np.clip(np.where(inside[..., None], front, back) + noise, 0, 255).astype(np.uint8)
