"""`visionft check`: every file of a run or a bundle that is not as it was written is named, in a line each."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import visionft
from tests.bundle.making import make_adapted_bundle, make_bundle
from tests.resealing import make_older
from visionft.bundle import Bundle
from visionft.bundle.names import KEEPS_DIGESTS, LAYOUT
from visionft.cli import main
from visionft.errors import BundleError, RunError
from visionft.files import digests
from visionft.runs import layout
from visionft.serving import Session


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    made = make_adapted_bundle(tmp_path / "bundle")
    (made / "README.md").write_text("a card")
    digests.seal(made)
    return made


def test_a_whole_run_and_a_whole_bundle(run: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place, kind in ((run, "run"), (bundle, "bundle")):
        count = sum(file.is_file() and file.name != "run.lock" for file in place.rglob("*"))
        assert main(["check", str(place)]) == 0
        told = capsys.readouterr().out
        assert f"{kind} {place}: {count} files looked at, as written\nNext: visionft predict {place} PHOTOS\n" == told


def test_every_single_file_is_compared(run: Path, bundle: Path) -> None:
    for place in (run, bundle):
        for name, file in digests.files(place).items():
            if name in (layout.LOCK, layout.DIGESTS):
                continue
            kept = file.read_bytes()
            file.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
            assert visionft.check(place).faults == (f"{name}: its digest is not the one in digests.json",)
            file.write_bytes(kept)
        assert visionft.check(place).whole


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (Path.unlink, "it is missing"),
    "cut": (lambda path: path.write_bytes(b""), r"0 bytes, written as [\d,]+, and its digest is not the one in .*"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "it is a folder"),
    "FIFO": (lambda path: (path.unlink(), os.mkfifo(path)), "it is a FIFO"),
    "loop": (link, r"it is a link( in a circle)?"),
    "device": (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), r"it is a (device|link)"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [layout.WEIGHTS, layout.ENVIRONMENT, "evaluation/test/metrics.json", layout.DIGESTS])
def test_files_of_another_kind_in_a_run(run: Path, kind: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    damage, words = KINDS[kind]
    damage(run / name)
    if name == layout.DIGESTS and kind == "cut":
        words = "it cannot be read as JSON"
    assert main(["check", str(run), "--json"]) == 1
    told = capsys.readouterr()
    found = json.loads(told.out.splitlines()[-1])
    assert told.err.splitlines()[-1] == f"visionft: {found['error']}"  # one object, with what failed in it
    assert found["exit_code"] == 1
    assert (found["kind"], found["whole"], len(found["faults"])) == ("run", False, 1)
    assert re.fullmatch(f"{name}: {words}", found["faults"][0])
    assert re.search(
        r"visionft: .*run is not as it was written \(1 of \d+ files?\); restore it from a copy, or make", told.err
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["model.onnx", "adapters/three.onnx_adapter", "README.md"])
def test_files_of_another_kind_in_a_bundle(bundle: Path, kind: str, name: str) -> None:
    damage, words = KINDS[kind]
    damage(bundle / name)
    (fault,) = visionft.check(bundle).faults
    assert re.fullmatch(f"{name}: {words}", fault)


def test_several_faults_are_all_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / layout.CLASSES).unlink()
    (run / layout.DATA).write_text("{}")
    assert main(["check", str(run)]) == 1
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert lines[0].endswith("files looked at, 2 faults")
    assert [line.split(":")[0] for line in lines[1:]] == ["  classes.json", "  data.json"]
    assert "(2 of " in told.err


def test_an_older_run_says_so_and_is_tried(run: Path) -> None:
    found = visionft.check(make_older(run))
    assert found.whole
    assert str(found).splitlines()[0].endswith("10 files looked at, readable; whether as written, nobody can know")
    assert found.notes == ("written before digests were kept: it was only tried whether its files can be read",)
    (run / layout.CLASSES).write_text('{"names": [1]}')
    (run / layout.RESULT).write_text("[" * 100_000)
    faults = visionft.check(run).faults
    assert any("classes.json is damaged" in fault for fault in faults)
    assert any("result.json is damaged" in fault for fault in faults)


def test_lost_digests_are_a_fault(run: Path) -> None:
    (run / layout.DIGESTS).unlink()
    found = visionft.check(run)
    assert (found.faults, found.files) == (("digests.json: it is missing",), 1)
    assert str(found).splitlines()[0].endswith("run: 1 file looked at, 1 fault")


def test_a_bundle_that_lost_its_digests_is_refused_with_whatever_else_was_changed(
    tmp_path: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = make_bundle(tmp_path / "kept")
    made = make_bundle(tmp_path / "bundle", provenance={LAYOUT: KEEPS_DIGESTS})
    digests.seal(made)
    assert visionft.check(made).whole
    record = json.loads((made / "bundle.json").read_text())
    (made / "bundle.json").write_text(json.dumps(record | {"temperature": 9.0, "threshold": -9.0}))
    (made / digests.NAME).unlink()
    words = r"bundle/digests\.json is damaged \(it is missing\): copy the bundle again or export it again"
    uses: list[Callable[[], object]] = [
        lambda: Bundle.open(made),
        lambda: visionft.predict(made, shapes / "disc" / "00.jpg"),
        lambda: visionft.evaluate(made, data=shapes),
        lambda: visionft.compare(made, kept, data=shapes),
        lambda: visionft.compare(kept, made, data=shapes),
        lambda: Session(made),
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(BundleError, match=words):
            use()
    found = visionft.check(made)
    assert not found.whole
    assert re.search(words, found.faults[0])
    assert main(["check", str(made)]) == 1
    told = capsys.readouterr()
    assert "as written" not in told.out
    assert "bundle is not as it was written (1 of 1 file); restore it" in told.err


def test_an_older_bundle_is_compared_as_far_as_it_can_be(tmp_path: Path) -> None:
    made = make_bundle(tmp_path / "bundle")
    found = visionft.check(made)
    assert (found.whole, found.files, found.to_json()["compared"]) == (True, 2, False)
    assert str(found).splitlines()[0].endswith("2 files looked at, readable; whether as written, nobody can know")
    assert found.notes == ("written before digests were kept: only the model could be compared",)
    (made / "model.onnx").write_bytes(b"")
    (fault,) = visionft.check(made).faults
    assert "model.onnx is damaged (0 bytes, exported as" in fault


def test_unfinished_runs_leftovers_and_files_of_others_are_noted(run: Path) -> None:
    (run / layout.RESULT).rename(run / "notes.txt")
    listed = digests.Digests.read(run)
    del listed.files[layout.RESULT]
    listed.write(run)
    (run / ".weights.safetensors.0a.part").touch()
    found = visionft.check(run)
    assert found.whole
    assert found.notes == (
        "left by a killed process: .weights.safetensors.0a.part", "not visionft's, so nothing is said of: notes.txt",
        "the run is not finished; the same `visionft fit` goes on with it",
    )  # fmt: skip


def test_a_file_that_is_not_listed_is_a_fault(run: Path) -> None:
    listed = digests.Digests.read(run)
    for name in (layout.WEIGHTS, "evaluation/test/metrics.json"):
        del listed.files[name]
    listed.write(run)
    told = "digests.json does not list it"
    assert visionft.check(run).faults == (f"evaluation/test/metrics.json: {told}", f"{layout.WEIGHTS}: {told}")


def test_what_was_being_written_when_the_process_was_killed_is_no_fault(run: Path) -> None:
    listed = digests.Digests.read(run)
    listed.pending = {layout.CHECKPOINT: digests.Entry(1, "0" * 64), "new.json": digests.Entry(1, "0" * 64)}
    listed.pending |= {layout.START: None}
    (run / layout.START).unlink()
    listed.write(run)
    assert visionft.check(run).whole


def test_neither_run_nor_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RunError, match="is neither a run nor a bundle; give the folder that"):
        visionft.check(tmp_path)
    assert main(["check", str(tmp_path / "none")]) == 1
    assert "none does not exist" in capsys.readouterr().err


def test_a_run_is_checked_without_torch(trained: Path) -> None:
    program = f"import sys, visionft; print(visionft.check({str(trained)!r}).whole, 'torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "True False\n"
