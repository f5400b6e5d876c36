"""One small export, and the folder that the person who deploys copies from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.exporting.fakes import fake_run
from visionft.exporting import export
from visionft.settings import ExportSettings

FOLDER = Path(__file__).resolve().parents[2] / "export"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("deployed")
    return export(fake_run(place), place / "bundle", ExportSettings(accept=0.8)).bundle


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may damage."""
    return Path(shutil.copytree(whole, tmp_path / "bundle"))
