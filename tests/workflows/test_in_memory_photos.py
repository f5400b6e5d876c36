"""Photos from memory train, evaluate and predict as the same photos in a folder do."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

import visionft as vft
from visionft.errors import DataError, RunMismatchError, SettingsError

Flags = dict[str, Any]


def files_of(shapes: Path) -> list[Path]:
    return sorted(shapes.rglob("*.jpg"))


def opened(file: Path) -> Image.Image:
    """Return a picture that PIL has not read yet, and that holds no file open."""
    return Image.open(io.BytesIO(file.read_bytes()))


def table_of(shapes: Path, **extra: Any) -> pd.DataFrame:
    files = files_of(shapes)
    return pd.DataFrame({"image": [opened(f) for f in files], "label": [f.parent.name for f in files], **extra})


@pytest.fixture(scope="module")
def fitted(shapes: Path, small: Flags, tmp_path_factory: pytest.TempPathFactory) -> tuple[vft.Run, list[str]]:
    """Return a run on a DataFrame of pictures, and what was said; no test may change it."""
    lines: list[str] = []
    return vft.fit(table_of(shapes), out=tmp_path_factory.mktemp("memory") / "run", say=lines.append, **small), lines


def test_a_table_is_split_as_its_folder_is_and_goes_on_where_it_is_given_again(
    fitted: tuple[vft.Run, list[str]], trained: Path, shapes: Path, small: Flags
) -> None:
    run, lines = fitted
    assert lines[0].startswith("60 photos from memory (")
    sides = [dict(zip(*(m.table[c].to_pylist() for c in ("digest", "split")), strict=True)) for m in (
        run.manifest(), vft.Run.open(trained).manifest(),
    )]  # fmt: skip
    assert sides[0] == sides[1]
    files = files_of(shapes)
    again = pa.table({"bytes": [f.read_bytes() for f in files], "label": [f.parent.name for f in files]})
    said: list[str] = []
    assert vft.fit(again, out=run.path, say=said.append, **small).fingerprint == run.fingerprint
    assert any("is finished already" in line for line in said)


def test_another_table_is_refused_in_the_folder_of_a_run(
    fitted: tuple[vft.Run, list[str]], shapes: Path, small: Flags
) -> None:
    with pytest.raises(RunMismatchError, match="photos"):
        vft.fit(table_of(shapes)[:50], out=fitted[0].path, say=lambda _: None, **small)


def test_it_evaluates_on_tables_and_finds_its_own_photos_in_one(
    fitted: tuple[vft.Run, list[str]], shapes: Path
) -> None:
    run = fitted[0]
    others = vft.evaluate(run, data=[(np.asarray(opened(f)), f.parent.name) for f in files_of(shapes)[::7]])
    assert others.account.measured == len(files_of(shapes)[::7])
    own = vft.evaluate(run, split="validation", data=table_of(shapes))
    assert own.account.measured == own.account.asked == vft.evaluate(run, split="validation").account.measured


def test_a_photo_is_answered_alike_as_a_file_bytes_a_picture_and_an_array(
    fitted: tuple[vft.Run, list[str]], shapes: Path
) -> None:
    file = files_of(shapes)[4]
    forms: list[Any] = [file, file.read_bytes(), opened(file), np.asarray(opened(file))]
    alone = [vft.predict(fitted[0], form)[0] for form in forms]
    together = vft.predict(fitted[0], forms)
    assert len({(one.label, one.probability) for one in [*alone, *together]}) == 1


def test_broken_rows_are_quarantined_by_their_number(shapes: Path, small: Flags, tmp_path: Path) -> None:
    files = files_of(shapes)
    rows: list[tuple[Any, Any]] = [(f.read_bytes(), f.parent.name) for f in files]
    rows[3], rows[8], rows[11] = (b"no photo", "disc"), (None, "disc"), (rows[11][0], float("nan"))
    run = vft.fit(rows, out=tmp_path / "run", say=lambda _: None, **small)
    reasons = {item.path: item.reason for item in run.manifest().quarantine}
    assert reasons["0000003.bin"].startswith("not an image")
    assert sorted(reasons.values())[:2] == ["no label in the manifest", "no path in the manifest"]
    assert run.manifest().account.asked == len(files)


def test_a_wrong_setting_is_told_before_a_photo_is_kept(shapes: Path, tmp_path: Path) -> None:
    def rows() -> Any:
        raise AssertionError("a row was taken")
        yield

    with pytest.raises(SettingsError, match="--epochs"):
        vft.fit(rows(), out=tmp_path / "run", epochs=-1)


def test_what_is_no_photos_is_told_in_one_sentence(tmp_path: Path) -> None:
    for given in ({"photos": 3}, {"photos": b"a"}):
        with pytest.raises(DataError, match=r"photos are given as a (int|bytes), which is none or one alone"):
            vft.fit(out=tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_bundle_is_proved_and_evaluated_on_photos_from_memory(
    fitted: tuple[vft.Run, list[str]], shapes: Path, tmp_path: Path
) -> None:
    exported = vft.export(fitted[0], tmp_path / "bundle")
    assert vft.evaluate(exported.bundle, data=table_of(shapes)).account.measured == len(files_of(shapes))
    file = files_of(shapes)[4]
    forms: list[Any] = [file, file.read_bytes(), opened(file), np.asarray(opened(file))]
    answers = vft.predict(exported.bundle, forms)
    assert len({(one.label, one.probability) for one in answers}) == 1
