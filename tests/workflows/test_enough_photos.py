"""Whether a run set aside the photos that a smaller precision has to prove itself on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.resealing import reseal
from visionft.errors import BackboneError, PrecisionError
from visionft.metrics import Flips
from visionft.runs import layout
from visionft.settings import ExportSettings
from visionft.workflows.enough_photos import require_enough_photos

INT8 = ExportSettings(precision="int8")


def test_ten_photos_cannot_show_that_half_a_point_is_lost(trained: Path) -> None:
    needed = Flips(0, 0, 10).photos_needed(0.005)
    words = (
        rf"^--precision int8: the run .* has 10 validation photos, .* less than 0\.5 points takes {needed:,} even if"
    )
    with pytest.raises(PrecisionError, match=words):
        require_enough_photos(trained, INT8)


def test_a_larger_loss_or_full_precision_needs_no_more_photos(trained: Path) -> None:
    require_enough_photos(trained, ExportSettings())
    require_enough_photos(trained, ExportSettings(precision="int8", max_loss=100))
    require_enough_photos(trained, ExportSettings(precision="int8", max_loss=50))
    assert Flips(0, 0, 10).upper() < 0.5


def test_a_record_that_cannot_be_read_is_left_to_who_opens_it(trained: Path, tmp_path: Path) -> None:
    require_enough_photos(tmp_path / "gone", INT8)
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / layout.DATA).write_text("{}")
    require_enough_photos(reseal(run), INT8)


def test_weights_too_large_for_one_file_come_first(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visionft.bundle.size_limits.LARGEST_MODEL", (64 << 20) + 10)
    with pytest.raises(BackboneError, match=r"^test_resnet has 0.00 GB of weights, and an ONNX file has room for"):
        require_enough_photos(trained, INT8)
