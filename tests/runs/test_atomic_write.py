"""A file is the old one or the new one, whatever happens while it is written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from visionft.errors import DiskSpaceError, RunError
from visionft.runs import atomic_write

FULL = r"the disk is full: .*new could not be written; make room and run the same command again"
NUMBERS = np.arange(100_000, dtype=np.float32)


def fail_halfway(path: Path, error: BaseException) -> None:
    path.write_text("half of the n")
    raise error


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_success_takes_the_old_file_s_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with atomic_write.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "raised", [ValueError("a bug"), KeyboardInterrupt(), RuntimeError("of torch, not of the disk")]
)
def test_a_failure_mid_write_leaves_the_old_file(tmp_path: Path, raised: BaseException) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(type(raised)), atomic_write.replacing(path) as temporary:
        fail_halfway(temporary, raised)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(("number", "kind"), [(28, DiskSpaceError), (122, DiskSpaceError), (5, RunError)])
def test_faults_of_the_disk_are_ours(tmp_path: Path, number: int, kind: type[Exception]) -> None:
    path = tmp_path / "new"
    path.write_text("old")
    with pytest.raises(kind) as caught, atomic_write.replacing(path):
        raise OSError(number, os.strerror(number))
    words = (
        FULL if kind is DiskSpaceError else r".*new could not be written \(Input/output error\); check the folder's .*"
    )
    caught.match(f"^{words}$")
    assert path.read_text() == "old"


@pytest.mark.parametrize("raised", [RuntimeError("enforce fail"), SafetensorError("I/O error")])
def test_what_torch_and_safetensors_make_of_a_full_disk_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    monkeypatch.setattr(atomic_write.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 4096}))
    with pytest.raises(DiskSpaceError, match=FULL), atomic_write.replacing(tmp_path / "new"):
        raise raised


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"new could not be written \(No such file or directory\); check the folder's"):
        atomic_write.write_text(tmp_path / "missing" / "new", "x")


def test_a_file_in_a_folder_s_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match=r"file could not be written \(File exists\)"):
        atomic_write.make_folder(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_json_keeps_order_and_letters(tmp_path: Path) -> None:
    atomic_write.write_json(tmp_path / "a.json", {"z": 1, "a": "Äpfel"})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "z": 1,\n  "a": "Äpfel"\n}\n'


def test_sweep_takes_leftovers_alone(tmp_path: Path) -> None:
    (tmp_path / ".best.safetensors.x3.part").mkdir()
    (tmp_path / ".best.safetensors.x3.part" / ".tmpAbC123").touch()  # a library's own
    for name in (".weights.safetensors.x1.part", "weights.safetensors", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "evaluation" / "test").mkdir(parents=True)
    (tmp_path / "evaluation" / "test" / ".predictions.csv.x2.part").touch()
    atomic_write.sweep(tmp_path)
    assert not list((tmp_path / "evaluation" / "test").iterdir())
    (tmp_path / "evaluation" / "test").rmdir()
    (tmp_path / "evaluation").rmdir()
    assert names(tmp_path) == [".hidden", "weights.safetensors"]


def test_space_is_asked_of_the_nearest_folder_there_is(tmp_path: Path) -> None:
    atomic_write.require_space(tmp_path / "not" / "yet", 1, "this run")
    with pytest.raises(DiskSpaceError, match=r"yet has \d+ MB free, this run needs 1000000000000 MB; make room or .*"):
        atomic_write.require_space(tmp_path / "not" / "yet", 10**18, "this run")
    assert not (tmp_path / "not").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 200 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", place], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("SKIPPED ALOUD: a small disk can be mounted by root alone")
    yield place
    subprocess.run(["umount", place], check=True)


WRITERS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("x" * 1_000_000),
    "torch": lambda path: torch.save({"a": torch.from_numpy(NUMBERS)}, path),
    "safetensors": lambda path: save_file({"a": torch.from_numpy(NUMBERS)}, path),
    "arrow": lambda path: pyarrow.csv.write_csv(pa.table({"a": NUMBERS}), path),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_disk_that_fills_up_leaves_the_old_file(small_disk: Path, writer: str) -> None:
    path = small_disk / "new"
    path.write_text("old")
    with pytest.raises(DiskSpaceError, match=FULL), atomic_write.replacing(path) as temporary:
        WRITERS[writer](temporary)
    assert path.read_text() == "old"
    assert names(small_disk) == ["new"]
