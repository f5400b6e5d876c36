"""`visionft push`: the real process, and what is refused in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import visionft
from tests.bundle.making import make_bundle
from tests.cli.refusal import refused
from tests.hub_server import Hub
from visionft.cli import main
from visionft.files import digests


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    made = make_bundle(tmp_path / "bundle")
    digests.seal(made)
    return made


def test_it_prints_what_went_and_the_next_command(hub: Hub, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", str(bundle), "me/goods", "--json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["address"], found["private"], found["files"]) == (
        "hf://me/goods", True, ["README.md", "bundle.json", "digests.json", "model.onnx"],
    )  # fmt: skip
    assert "Next: visionft predict hf://me/goods PHOTOS" in told.err
    assert main(["check", "hf://me/goods"]) == 0
    assert capsys.readouterr().out.endswith("Next: visionft predict hf://me/goods PHOTOS\n")


def test_it_is_refused_in_one_sentence(
    hub: Hub, bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(capsys, "push", str(bundle), "goods").startswith("'goods' is no model's name on the hub; give OWNER")
    assert refused(capsys, "push", "nowhere", "me/goods").startswith("the run or bundle nowhere does not exist; give")
    monkeypatch.delenv("HF_TOKEN")
    assert refused(capsys, "push", str(bundle), "me/goods") == (
        "hf://me/goods: there is no token for the hub; log in with `hf auth login`, or set HF_TOKEN"
    )
    assert refused(capsys, "predict", "hf://datasets/x", ".").startswith("'datasets/x' is no model's name on the hub")


@pytest.mark.slow
def test_two_processes_push_and_predict(hub: Hub, bundle: Path, shapes: Path) -> None:
    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "visionft", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "pushed, commit" in run("push", str(bundle), "me/goods")
    photo = shapes / "disc" / "00.jpg"
    [row] = visionft.predict(bundle, photo)
    assert run("predict", "hf://me/goods", str(photo)).splitlines()[0].split()[1] == row.label
