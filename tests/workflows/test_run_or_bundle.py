"""What a verb was given: a run, a bundle, or the folder of one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from visionft.errors import RunError, UsageError
from visionft.workflows.run_or_bundle import holds_bundle, path_of, place_of, refuse_adapter, run_at


def test_a_value_that_knows_its_folder_and_a_path_mean_the_same(tmp_path: Path) -> None:
    assert path_of(SimpleNamespace(path=tmp_path)) == path_of(str(tmp_path)) == path_of(tmp_path) == tmp_path
    with pytest.raises(UsageError, match=r"^the run or bundle: the path is empty; give one"):
        path_of("")


def test_a_place_is_a_path_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert place_of(None, "--out") is None
    assert place_of("a/b", "--out") == Path("a/b")
    with pytest.raises(UsageError, match=r"^--out: .*file/x lies below a file; give a path whose parents are folders"):
        place_of(tmp_path / "file" / "x", "--out")


@pytest.mark.parametrize("name", ["bundle.json", "model.onnx"])
def test_a_damaged_bundle_is_still_one(name: str, tmp_path: Path) -> None:
    assert not holds_bundle(tmp_path)
    (tmp_path / name).touch()
    assert holds_bundle(tmp_path)


def test_what_is_no_run_is_said(tmp_path: Path, trained: Path) -> None:
    with pytest.raises(RunError, match=r"^there is no run or bundle at .*gone; give the folder that `visionft fit` or"):
        run_at(tmp_path / "gone")
    with pytest.raises(RunError, match=r"is not a run: it has no settings\.yaml"):
        run_at(tmp_path)
    assert run_at(trained).path == trained


def test_a_run_has_no_adapters() -> None:
    refuse_adapter(Path("r"), None)
    with pytest.raises(UsageError, match=r"^r is a run, which answers by itself; leave --adapter shoes out, or give a"):
        refuse_adapter(Path("r"), "shoes")
