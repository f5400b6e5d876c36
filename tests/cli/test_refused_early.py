"""What is refused before torch, whose import takes seconds, by real processes that say which modules they loaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from visionft.cli import main
from visionft.machine.cuda_driver import surely_none

HEAVY = ("torch", "timm", "lightning", "albumentations", "sklearn", "onnx", "pyarrow")
PROGRAM = """
import json, sys
from visionft.cli import main
for line in json.loads(sys.argv[1]):
    code = main(line)
    print("\\n" + json.dumps([code, [name for name in {heavy} if name in sys.modules]]))
"""
REFUSED = [
    # (command line, exit code, how the sentence begins)
    ("fit p.zip", 1, "the archive p.zip cannot be read (neither zip nor tar): copy or make it again"),
    ("fit p.doc", 1, "p.doc is neither a folder nor a .csv or .parquet manifest: give one of these"),
    ("fit zip://nowhere.zip", 2, "zip:/nowhere.zip: there is no file nowhere.zip; give the path of an archive"),
    ("fit https://shop/photos", 2, "https:/shop/photos: photos are not read from https://; give a folder"),
    ("fit nowhere", 1, "PHOTOS: nowhere does not exist"),
    ("fit photos --hardware.device nonsense", 2, "--hardware.device: nonsense is not known here"),
    ("fit photos --frobnicate 1", 2, "fit has no flag --frobnicate"),
    ("fit photos --epochs x", 2, "--epochs: x is not a whole number"),
    ("fit photos epochs=3", 2, "epochs=3: settings are flags here"),
    ("fit photos --from nowhere", 1, "there is no run at nowhere; give the folder that `visionft fit` wrote"),
    ("fit photos --distill photos", 1, "photos is not a run: it has no settings.yaml"),
    ("fit photos --weights nowhere.pt", 1, "there is no file of weights at nowhere.pt; give a safetensors or torch"),
    ("fit photos --apply nowhere.csv", 1, "--apply: nowhere.csv cannot be read (no such file); give the suggestions"),
    ("fit photos --data.splits nowhere.csv", 1, "--data.splits: nowhere.csv does not exist; give the splits.csv of"),
    ("fit photos --log tensorbord", 2, "--log: tensorbord is not known here; did you mean 'tensorboard'?"),
    ("advise p.zip", 1, "the archive p.zip cannot be read (neither zip nor tar): copy or make it again"),
    (
        "sweep p.zip --over lr=1e-4..1e-2",
        1,
        "the archive p.zip cannot be read (neither zip nor tar): copy or make it again",
    ),
    ("sweep photos", 2, "sweep: --over is missing; give what is varied, such as --over lr=1e-4..1e-2"),
    ("sweep photos --over lr=1..0", 2, "--over: lr=1..0 is no range; give the smaller end first"),
    ("sweep photos --over method=full,loro", 2, "--over: method: loro is not known here; did you mean lora?"),
    ("sweep photos --over lr=1e-4..1e-2 --trials 0", 2, "--trials: 0 is less than 1"),
    ("sweep photos --over lr=1e-4..1e-2,seed=0..4 --trials 3", 2, "--trials: 3 are fewer than the 5 seeds"),
    ("sweep photos --over lr=1e-4..1e-2 --optim.lr 1", 2, "--optim.lr is given, and --over varies it"),
    ("sweep photos --over method=full,lora --method head", 2, "--method is given, and --over varies it"),
    ("sweep photos --over lr=1e-4..1e-2 --storage nonsense", 2, "--storage: the URL cannot be opened"),
    ("sweep photos --over lr=1e-4..1e-2 --weights no.pt", 1, "there is no file of weights at no.pt"),
    ("audit p.zip", 1, "the archive p.zip cannot be read (neither zip nor tar): copy or make it again"),
    ("review nowhere", 1, "nowhere does not exist; give a run, or the photos that were audited"),
    ("review p.zip", 1, "the archive p.zip cannot be read (neither zip nor tar): copy or make it again"),
    ("review photos", 1, "there is no audit at audits/photos; make it with `visionft audit photos`, and review again"),
    ("review photos --audit nowhere", 1, "there is no audit at nowhere"),
    ("evaluate nowhere", 1, "the run or bundle nowhere does not exist"),
    ("evaluate photos", 1, "photos is not a run: it has no settings.yaml"),
    ("export photos", 1, "photos is not a run: it has no settings.yaml"),
    ("export photos --precision int9", 2, "--precision: int9 is not known here"),
    ("add-class photos photos/cat", 1, "photos is not a run: it has no settings.yaml"),
    ("add-class nowhere photos/cat", 1, "the run or bundle nowhere does not exist"),
    ("blend photos", 1, "photos is not a run: it has no settings.yaml"),
    ("push photos goods", 2, "'goods' is no model's name on the hub; give OWNER/NAME"),
    ("push photos me/goods", 1, "photos is not a run: it has no settings.yaml"),
    ("fit photos --from hf://datasets/x", 2, "'datasets/x' is no model's name on the hub"),
    ("report photos", 1, "photos is not a run: it has no settings.yaml"),
    ("train photos", 2, "there is no command train"),
    ("runs", 1, "the folder of runs runs does not exist"),
]


def loaded(lines: Sequence[str], folder: Path) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """Run commands one after another in one process; return exit code and heavy modules after each, and stderr."""
    command = [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), json.dumps([line.split() for line in lines])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "CUDA_VISIBLE_DEVICES": ""}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=folder)
    return [tuple(json.loads(line)) for line in told.stdout.splitlines() if line[:1] == "["], told.stderr.splitlines()


def test_refusals_come_before_torch(here: Path) -> None:
    (here / "p.zip").touch()
    (here / "p.doc").touch()
    lines = [line for line, _, _ in REFUSED]
    found, said = loaded(lines, here)
    assert found == [(code, []) for _, code, _ in REFUSED]
    assert len(said) == len(REFUSED)
    for sentence, (line, _, words) in zip(said, REFUSED, strict=True):
        assert sentence.startswith(f"visionft: {words}"), line


@pytest.mark.parametrize("line", ["fit photos --hardware.device cuda", "predict photos photos"])
def test_what_needs_numpy_or_arrow_still_needs_no_torch(line: str, here: Path) -> None:
    found, said = loaded([line], here)
    assert found[0][0] in (1, 2)
    assert not {"torch", "timm", "lightning", "albumentations"} & set(found[0][1])
    assert len(said) == 1


def test_a_device_that_cannot_be_here(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "-1")
        assert surely_none()
        assert main(["fit", "photos", "--hardware.device", "cuda"]) == 2
    told = "--hardware.device is cuda, but torch sees no CUDA device here; leave it out or give cpu"
    assert capsys.readouterr().err == f"visionft: {told}\n"


def test_too_few_photos_for_int8_are_said_at_once(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    found, said = loaded([f"export {run} --precision int8"], tmp_path)
    assert found == [(1, [])]
    assert said[0].startswith(f"visionft: --precision int8: the run {run} has ")
    assert "validation photos, and to show that it loses less than 0.5 points takes 539 even if no answer" in said[0]
    assert main(["export", str(run), "--precision", "fp16", "--max-loss", "0.1"]) == 1
    assert "less than 0.1 points takes 2,703 even if" in capsys.readouterr().err
    assert sorted(path.name for path in run.iterdir()) == sorted(path.name for path in trained.iterdir())


def test_help_and_version_load_nothing_heavy(tmp_path: Path) -> None:
    found, _ = loaded(["--help", "--version", "-V", "fit --help", "runs --help"], tmp_path)
    assert found == [(0, [])] * 5
