"""The record that every task's card is made of."""

from __future__ import annotations

import json

import pytest

from tests.bundle.making import make_bundle
from visionft.bundle.schema import BundleRecord


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> BundleRecord:
    """Return a bare record of three classes."""
    folder = make_bundle(tmp_path_factory.mktemp("card") / "bundle")
    return BundleRecord.model_validate(json.loads((folder / "bundle.json").read_text(encoding="utf-8")))
