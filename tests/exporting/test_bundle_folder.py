"""Whatever the disk does while a bundle is made is one sentence, and nothing is left of the bundle."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.disks import small
from tests.exporting.fakes import FakeRun
from tests.exporting.small_graphs import SIDE, whole
from visionft.bundle import Bundle
from visionft.errors import BundleError, DiskSpaceError
from visionft.exporting import export
from visionft.exporting.bundle_folder import placed, written
from visionft.exporting.quantization.core_graph import core_of
from visionft.exporting.quantization.recipes import recipes
from visionft.files import digests
from visionft.settings import ExportSettings


def test_every_file_of_a_bundle_has_its_digest(tmp_path: Path) -> None:
    with placed(tmp_path / "bundle") as folder:
        (folder / "golden").mkdir()
        (folder / "golden" / "00.png").write_bytes(b"png")
        (folder / "README.md").write_text("card")
    found = digests.Digests.read(tmp_path / "bundle")
    assert set(found.files) == {"golden/00.png", "README.md"}
    assert found.files["README.md"] == digests.entry_of(tmp_path / "bundle" / "README.md")


@pytest.mark.usefixtures("prebuilt")
def test_a_disk_that_fills_up_half_way(run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visionft.exporting.bundle_folder.GOLDEN_BYTES", 0)
    monkeypatch.setattr("visionft.exporting.export_bundle.check_place", lambda *_: None)
    with small(tmp_path / "disk", "64k") as disk:
        words = r"the disk is full: .* could not be written, and nothing was left of the bundle .*bundle; make room"
        with pytest.raises(DiskSpaceError, match=words):
            export(run, disk / "bundle")
        assert list(disk.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, r"a bundle cannot be written to b \(Read-only file system\): give another --out"),
        (errno.EFBIG, r"a bundle cannot be written to b \(the file would be larger .*ulimit -f`\): give another --out"),
        (errno.EDQUOT, r"the disk is full: b could not be written, and nothing was left of the bundle b; make room"),
    ],
)
def test_other_refusals_of_the_system(number: int, words: str) -> None:
    with pytest.raises((BundleError, DiskSpaceError), match=words), written(Path("b")):
        raise OSError(number, os.strerror(number))


def test_a_full_folder_of_temporary_files_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As int8 has one: onnxruntime's calibration goes through files."""
    core = core_of(whole("conv"))
    with small(tmp_path / "tmp", "16k") as disk, monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(disk))
        with pytest.raises(DiskSpaceError, match=r"TMPDIR names the folder of temporary files"), written(Path("b")):
            recipes(core, np.zeros((4, 3, SIDE, SIDE), np.float32))


KILLED = """
import os, signal, sys
from pathlib import Path
from visionft.exporting.bundle_folder import placed
with placed(Path(sys.argv[1])) as folder:
    (folder / "model.onnx").write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.usefixtures("prebuilt")
def test_what_a_killed_export_left_goes_with_the_next_one(run: FakeRun, tmp_path: Path) -> None:
    out = tmp_path / "out" / "bundle"
    out.parent.mkdir()
    done = subprocess.run([sys.executable, "-c", KILLED, str(out)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = out.parent.iterdir()
    assert left.name.startswith(".bundle.")
    export(run, out, ExportSettings(golden="none"))
    assert [place.name for place in out.parent.iterdir()] == ["bundle"]
    Bundle.open(out)
