"""Where a run looks on a photo, by the verb, by the command, and in a report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visionft as vft
from tests.bundle.making import make_bundle
from tests.reporting.reading import Page
from visionft.cli import main
from visionft.errors import DataError, UsageError
from visionft.runs import layout


def test_the_answered_class_is_explained_and_its_picture_has_no_metadata(
    trained: Path, shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = shapes / "disc" / "00.jpg"
    found = vft.explain(trained, photo)
    (answer,) = vft.predict(trained, photo)
    assert (found.label, found.answer) == (answer.label, answer.label)
    assert found.probability == pytest.approx(answer.probability, abs=1e-5)
    size = vft.Run.open(trained).preprocess.size
    assert found.heat.shape == size
    assert found.pixels.shape == (*size, 3) == found.picture.shape
    assert 0 <= found.heat.min() <= found.heat.max() <= 1
    file = tmp_path / "new" / "heat.png"
    assert main(["explain", str(trained), str(photo), "--of", "stripes", "--out", str(file), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["label"] == "stripes"
    assert told.err.splitlines()[-1] == f"Next: visionft report {trained} --explain"
    with Image.open(file) as picture:
        assert picture.size == (2 * size[1], size[0])
        assert not picture.getexif()
        assert not picture.text
        assert np.array_equal(np.asarray(picture)[:, : size[1]], found.pixels)


def test_a_report_shows_where_the_network_looks_if_it_is_asked_to(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    plain = Page((run / layout.REPORT).read_text(encoding="utf-8")).of("img")
    assert main(["report", str(run), "--explain"]) == 0
    page = (run / layout.REPORT).read_text(encoding="utf-8")
    warm = [image for image in Page(page).of("img") if image["alt"].startswith("where the network looks for ")]
    assert len(Page(page).of("img")) - len(warm) == len(plain)
    assert len(warm) >= 5
    assert len(page) < 5_000_000
    assert "with the places coloured that speak for its answer" in page


def test_what_cannot_be_explained_is_one_sentence(trained: Path, shapes: Path, tmp_path: Path) -> None:
    photo = shapes / "disc" / "00.jpg"
    (tmp_path / "no.jpg").write_text("no photo")
    with pytest.raises(UsageError, match=r"is a bundle, which has no gradients; give the run"):
        vft.explain(make_bundle(tmp_path / "bundle"), photo)
    with pytest.raises(UsageError, match=r"--out: heat.jpg does not end in .png"):
        vft.explain(trained, photo, out="heat.jpg")
    with pytest.raises(
        UsageError, match=r"--of: the run .* has no class 'disk'; did you mean 'disc'\?; give one of its 3"
    ):
        vft.explain(trained, photo, of="disk")
    with pytest.raises(DataError, match=r"no.jpg cannot be read as a photo \(.*\); give another one"):
        vft.explain(trained, tmp_path / "no.jpg")
