"""Photos with their answers, to check a bundle anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.exporting.fakes import FakeRun
from visionft.errors import SettingsError
from visionft.exporting import Exported, export
from visionft.serving import Session
from visionft.settings import build_export


def test_golden_photos_carry_no_exif_and_spread_over_the_classes(exported: Exported) -> None:
    golden = exported.bundle / "golden"
    expected = json.loads((golden / "expected.json").read_text(encoding="utf-8"))

    assert len(expected["photos"]) == 8
    session = Session(exported.bundle)
    for row in expected["photos"]:
        pixels = np.load(golden / row["pixels"])
        with Image.open(golden / row["photo"]) as picture:
            assert picture.info == {}
            np.testing.assert_array_equal(np.asarray(picture), pixels)
        assert session.answer(pixels).label == row["label"]
        np.testing.assert_allclose(session.answer(pixels).probabilities, row["probabilities"], atol=1e-3)


@pytest.mark.usefixtures("prebuilt")
def test_large_golden_photos_are_shrunk(run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visionft.exporting.golden_vectors.LARGEST_SIDE", 50)

    done = export(run, tmp_path / "bundle")

    shapes = [np.load(path).shape for path in (done.bundle / "golden").glob("*.npy")]
    assert [max(shape) for shape in shapes] == [50] * 8


def test_an_unknown_kind_of_golden_is_refused() -> None:
    with pytest.raises(SettingsError, match="--golden: all is not known here; give photos or none"):
        build_export(golden="all")
