"""A bundle between its graph and its place: what is fitted, written and left out."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.exporting.fakes import FakeRun
from tests.exporting.test_export_bundle import FILES, files
from visionft.bundle import Bundle
from visionft.errors import ParityError
from visionft.exporting import Exported, export
from visionft.serving import predict
from visionft.settings import ExportSettings


def test_what_was_fitted_is_written(exported: Exported, run: FakeRun) -> None:
    record, answering = Bundle.open(exported.bundle).record, run.answering(0.8)

    assert (record.temperature, record.threshold, record.accepted) == (0.7, answering.threshold, 0.8)
    assert record.agreement is not None
    assert 0 <= record.agreement.max_known_score_difference < 1e-3
    found = predict(exported.bundle, run.photos / "validation")
    assert sum(row.unknown for row in found) in (2, 3)  # below the third-lowest score of 18, which may round either way
    card = (exported.bundle / "README.md").read_text(encoding="utf-8")
    assert "Logits are divided by the temperature 0.7" in card
    assert f"`known_score` is below {answering.threshold:.4g}. By the validation photos that accepts 80.0%" in card


@pytest.mark.usefixtures("prebuilt")
def test_private_photos_stay_out(run: FakeRun, tmp_path: Path) -> None:
    done = export(run, tmp_path / "new" / "bundle", ExportSettings(golden="none"))

    assert files(done.bundle) == FILES
    assert Bundle.open(done.bundle).record.golden.kind == "none"
    assert "left out, since the photos are private" in (done.bundle / "README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("prebuilt")
def test_without_a_validation_photo_there_is_no_proof(run: FakeRun, tmp_path: Path) -> None:
    gone = replace(run, photos=tmp_path / "photos")
    shutil.copytree(run.photos, gone.photos)
    manifest = gone.manifest()
    shutil.rmtree(gone.photos / "validation")
    gone.manifest = lambda: manifest  # type: ignore[method-assign]

    with pytest.raises(ParityError, match="there is no readable validation photo to check the exported model on"):
        export(gone, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
