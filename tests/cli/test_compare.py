"""`visionft compare` as its user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import visionft as vft
from tests.serving.test_compare_bundles import SWAPPED, bundle, other_bundle, photos
from visionft.cli import main

__all__ = ["bundle", "photos"]  # fixtures, which pytest finds by their names here


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return other_bundle(tmp_path / "after", weight=SWAPPED)


def test_it_tells_the_changes_and_how_to_keep_them(
    bundle: Path, other: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(bundle), str(other), "--data", str(photos)]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert "\n".join(lines[:-1]) == str(vft.compare(bundle, other, data=photos))
    assert lines[-1] == f"Next: visionft compare {bundle} {other} --data {photos} --out changes.csv"


def test_with_a_file_the_next_step_is_to_use_the_new_bundle(
    bundle: Path, other: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "changes.csv"
    assert main(["compare", str(bundle), str(other), "--data", str(photos), "--out", str(file)]) == 0

    assert capsys.readouterr().out.splitlines()[-1] == f"Next: visionft serve {other}"
    assert len(file.read_text(encoding="utf-8").splitlines()) == 9


def test_nothing_to_keep_where_nothing_changes(bundle: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(bundle), str(bundle), "--data", str(photos)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Next: visionft serve {bundle}"


def test_json_is_one_object_with_every_figure(
    bundle: Path, other: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(bundle), str(other), "--data", str(photos), "--json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)

    assert found == json.loads(json.dumps(vft.compare(bundle, other, data=photos).to_json() | {"out": None}))
    assert (found["photos"], found["same"], found["changed"], found["labelled"]) == (12, 4, 8, 12)
    assert (found["right_to_wrong"], found["wrong_to_right"]) == (8, 0)
    assert (found["top1_before"], found["top1_after"]) == (1.0, pytest.approx(1 / 3))
    assert found["interval"][0] < -2 / 3 < found["interval"][1] < 0
    assert told.err.startswith("12 photos: 4 keep their answer, 8 (66.7%) change it")


def test_a_terminal_sees_how_far_it_is(
    bundle: Path, photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["compare", str(bundle), str(bundle), "--data", str(photos)]) == 0

    assert "\r12 of 12 photos, " in capsys.readouterr().err
