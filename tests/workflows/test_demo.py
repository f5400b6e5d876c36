"""The demo: its photos, and a real process that goes the whole way without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from visionft.cli import main
from visionft.errors import DataError
from visionft.workflows.sample_photos import write_sample


def test_photos_of_ninety_products_are_written_once(tmp_path: Path) -> None:
    assert write_sample(tmp_path / "photos") == 180
    photos = sorted((tmp_path / "photos").rglob("*.jpg"))
    assert len(photos) == 180
    assert len({photo.parent for photo in photos}) == 90
    assert len({photo.parent.parent for photo in photos}) == 10
    with Image.open(photos[0]) as photo:
        assert max(photo.size) == 144
    before = photos[0].stat().st_mtime_ns
    photos[1].unlink()
    assert write_sample(tmp_path / "photos") == 180
    assert photos[0].stat().st_mtime_ns == before
    assert photos[1].is_file()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(DataError, match=r"holds something else \(thesis\.tex\), so it is left as it is; give another"):
        write_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_where_nothing_can_be_made_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").touch()
    with pytest.raises(
        DataError, match=r"the sample photos cannot be written into .*photos \(.*\); give another folder"
    ):
        write_sample(tmp_path / "photos")
    assert main(["demo", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("visionft: the sample photos cannot be written into ")
    assert told.count("\n") == 1


@pytest.mark.slow
def test_a_real_process_goes_the_whole_way_without_a_network(tmp_path: Path) -> None:
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "visionft", "demo", "--json"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, **nowhere}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Next: visionft predict visionft-demo/bundle visionft-demo/photos/mug" in done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["test_top1"] > 0.6  # of ten classes; 0.93 when this was written
    for name in ("run/report.html", "bundle/model.onnx", "bundle/README.md"):
        assert (tmp_path / "visionft-demo" / name).is_file()
