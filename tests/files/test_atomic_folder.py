"""A folder appears whole or not at all; what killed processes left beside it is swept away, what lives is left."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from visionft.files.atomic_folder import placed_folder, sweep

FILLING = """
import sys, time
from pathlib import Path
from visionft.files.atomic_folder import placed_folder
with placed_folder(Path(sys.argv[1]), replace=True) as folder:
    (folder / "half").write_text("half")
    print("filling", flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())


def started(out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", FILLING, str(out)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "filling\n"
    return process


def test_what_a_killed_process_left_is_swept_by_the_next_one_and_a_live_one_is_left(tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    with started(out) as killed, started(out) as alive:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(names(tmp_path)) == 2
        with placed_folder(out, replace=True) as folder:
            (folder / "whole").touch()
            assert len(names(tmp_path)) == 2  # the live one's and this one's
        assert len(names(tmp_path)) == 2
        alive.kill()
    assert names(out) == ["whole"]
    sweep(out)
    assert names(tmp_path) == ["bundle"]


@pytest.mark.parametrize("name", [".bundle.0123456789ab.keep", ".bundle.x.partial", ".bundle.two.0123456789ab.partial"])
def test_folders_of_others_are_left(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    sweep(tmp_path / "bundle")
    assert names(tmp_path) == [name]


def test_a_link_that_has_such_a_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (tmp_path / ".bundle.0123456789ab.partial").symlink_to("mine")
    sweep(tmp_path / "bundle")
    assert names(tmp_path / "mine") == ["file"]


def test_the_older_folder_is_put_back_where_a_process_was_killed_between_two_names(tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    old, new = tmp_path / ".bundle.0123456789ab.old", tmp_path / ".bundle.0123456789ab.partial"
    for folder in (old, new):
        folder.mkdir()
        (folder / folder.suffix).touch()
    sweep(out)
    assert names(tmp_path) == ["bundle"]
    assert names(out) == [".old"]


def test_an_old_one_beside_the_new_one_goes(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / ".bundle.0123456789ab.old").mkdir()
    sweep(tmp_path / "bundle")
    assert names(tmp_path) == ["bundle"]


def test_a_failure_leaves_the_older_folder(tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "old").touch()

    def fail() -> None:
        with placed_folder(out, replace=True) as folder:
            (folder / "new").touch()
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        fail()
    assert (names(tmp_path), names(out)) == (["bundle"], ["old"])


def test_a_folder_is_replaced_only_where_that_was_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with placed_folder(out, replace=False) as folder:
        (folder / "one").touch()
    with pytest.raises(OSError, match="not empty"), placed_folder(out, replace=False) as folder:
        (folder / "two").touch()
    assert (names(tmp_path), names(out)) == (["run"], ["one"])
    with placed_folder(out, replace=True) as folder:
        (folder / "three").touch()
    assert (names(tmp_path), names(out)) == (["run"], ["three"])


def test_something_else_than_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "bundle").symlink_to("mine")
    with pytest.raises(FileExistsError), placed_folder(tmp_path / "bundle", replace=True):
        pass
    assert names(tmp_path) == ["bundle", "mine"]


def test_the_system_s_refusal_comes_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), placed_folder(tmp_path / "none" / "bundle", replace=True):
        pass
    assert names(tmp_path) == []
