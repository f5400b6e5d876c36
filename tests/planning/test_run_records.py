"""The run folder before step 0: where it lies, what may lie in it, and what is taken away when it cannot be made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest

from visionft.errors import RunBusyError, RunError
from visionft.planning.run_records import EARLIER_RUNS, check_folder, comparable, folder_of, new_folder
from visionft.runs import layout
from visionft.settings import FitSettings


def fail(file: Path, error: BaseException) -> NoReturn:
    """Write a file, and fail."""
    file.touch()
    raise error


def asked(**given: Any) -> FitSettings:
    return FitSettings.model_validate({"photos": "catalogue/shoes.csv", **given})


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ({}, "runs/shoes-full"),
        ({"out": "a/b"}, "a/b"),
        ({"backbone": "test_vit", "method": "lora"}, "runs/shoes-lora-test_vit"),
        ({"from_run": "runs/first/"}, "runs/shoes-full-from-first"),
        ({"backbone": "test_vit", "distill": "runs/big"}, "runs/shoes-full-test_vit-taught-by-big"),
    ],
)
def test_a_folder_is_named_after_what_is_in_it(given: dict[str, str], folder: str) -> None:
    assert folder_of(asked(**given)) == Path(folder)


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    for name in (layout.LOCK, layout.DATA, "weights.safetensors.1.part"):
        (tmp_path / name).touch()
    (tmp_path / "runs").mkdir()
    check_folder(tmp_path)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"holds other files \(thesis\.tex\); choose an empty or new folder with --out"):
        check_folder(tmp_path)
    (tmp_path / layout.SETTINGS).touch()
    check_folder(tmp_path)
    with pytest.raises(RunError, match=r"thesis\.tex is a file, not a folder; choose another --out"):
        check_folder(tmp_path / "thesis.tex")


def test_a_new_folder_whose_records_fail_is_taken_away(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too late"), new_folder(tmp_path / "a" / "run"):
        fail(tmp_path / "a" / "run" / layout.DATA, ValueError("too late"))
    assert not (tmp_path / "a" / "run").exists()


def test_of_a_folder_that_was_there_only_our_records_are_taken_away(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path):
        fail(tmp_path / layout.DATA, KeyboardInterrupt())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_that_has_begun_or_is_another_processes_stays(tmp_path: Path) -> None:
    for name, failure in ((layout.SETTINGS, KeyboardInterrupt()), (layout.DATA, RunBusyError("busy"))):
        folder = tmp_path / name
        with pytest.raises(type(failure)), new_folder(folder):
            fail(folder / name, failure)
        assert (folder / name).is_file()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(RunError, match=r"cannot be made \(Not a directory\); choose another folder with --out"),
        new_folder(tmp_path / "file" / "run"),
    ):
        pass


def test_what_decides_the_outcome_is_compared_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = comparable(asked())
    same = asked(
        out="x", retention="r", report={"pictures": "none"}, hardware={"checkpoint_seconds": 1}, data={"cache_gb": 1}
    )
    assert comparable(same) == plain
    assert plain["photos"] == str(tmp_path / "catalogue" / "shoes.csv")
    assert comparable(asked(seed=1)) != plain
    for name in EARLIER_RUNS:
        assert comparable(asked(**{name: "runs/a"}))[name] == str(tmp_path / "runs" / "a")
