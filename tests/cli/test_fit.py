"""Going on from a run, as a user does it: through the command line, and on real photos with pretrained weights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import visionft as vft
from visionft.runs import Run, layout

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
SMALL = (
    "--augment.size 32 --optim.batch-size 8 --optim.micro-batch 8 --hardware.device cpu --hardware.workers 0 "
    "--hardware.precision fp32 --hardware.threads 1 --epochs 1"
)
NEW = {"longsleeve", "shirt", "shoes"}
CLOSE = 0.03  # of 372 test photos, 11


def visionft(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "visionft", *map(str, words), *SMALL.split()]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)


def test_the_command_line_goes_on_from_a_run(shapes: Path, tmp_path: Path) -> None:
    for old, name in (("disc", "disc"), ("square", "box")):
        shutil.copytree(shapes / old, tmp_path / "photos" / name)
    first, second = tmp_path / "first", tmp_path / "second"
    begun = visionft(
        "fit", tmp_path / "photos", "--out", first, "--backbone", "test_resnet", "--weights", "none",
        "--preprocess.size", "32",
    )  # fmt: skip
    assert (begun.returncode, begun.stderr) == (0, "")
    command = ("fit", shapes, "--from", first, "--classes.rename", "box=square", "--out", second)
    done = visionft(*command, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == str(second)
    assert "classes: 2 kept, 1 of them renamed (box to square), 1 new (stripes)" in done.stderr
    assert "solved 1 new row of the head, 2 stay as they were" in done.stderr
    assert f"classes that {first} knows too: top-1" in done.stderr
    run = Run.open(second)
    assert {entry.name for entry in second.iterdir()} == layout.FINISHED | layout.REPORTED | {layout.EVALUATION}
    assert (second / "evaluation" / "before_after.csv").read_text().startswith('"name","old_name","support"')
    start, before = run.network(layout.START), Run.open(first).network()
    assert isinstance(start.head.weight, torch.Tensor)
    assert torch.equal(start.head.weight[[1, 0]], before.head.weight)  # box came before disc, square comes after it
    again = visionft(*command)
    assert (again.returncode, again.stderr) == (0, "")
    assert f"the run {second} is finished already" in again.stdout
    other = visionft(*command[:4], "--out", tmp_path / "third", "--backbone", "test_vit")
    words = f"--backbone is test_vit, and the run {first} to go on from has test_resnet; leave it out"
    assert (other.returncode, other.stderr) == (2, f"visionft: {words}\n")


def linked(source: Path, target: Path, classes: set[str]) -> Path:
    """Link the photos of some classes into a folder of their own."""
    for photo in source.glob("*/*/*"):
        if photo.parent.name in classes:
            place = target / photo.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(photo)
    return target


def test_three_new_classes_on_seven_are_nearly_as_good_as_ten_at_once(shared: Path, tmp_path: Path) -> None:
    clothing = shared / "data" / "clothing"
    names = {place.name for place in (clothing / "train").iterdir()}
    seven, ten = linked(clothing, tmp_path / "seven", names - NEW), clothing
    assert (len(names), len(names - NEW)) == (10, 7)
    flags: dict[str, Any] = {"method": "head", "hardware.device": "cpu", "say": lambda _: None}
    pretrained = {"backbone": "mobilenetv2_100", "weights": str(shared / "weights" / "mobilenetv2_100.safetensors")}
    first = vft.fit(seven, out=tmp_path / "first", **pretrained, **flags)
    grown = vft.fit(ten, out=tmp_path / "grown", from_run=first, **flags)
    whole = vft.fit(ten, out=tmp_path / "whole", **pretrained, **flags)
    old = [i for i, name in enumerate(grown.classes) if name not in NEW]
    assert [grown.classes.names[i] for i in old] == list(first.classes)
    before, after = first.network().head, grown.network().head
    assert torch.equal(after.weight[old], before.weight)
    assert torch.equal(after.bias[old], before.bias)
    top1 = {run.path.name: run.summary()["test_top1"] for run in (first, grown, whole)}
    table = json.loads((grown.path / "evaluation" / "before_after.json").read_text())
    print(f"test top-1: {top1}; old classes: {table['before']:.4f} before, {table['after']:.4f} after, n {table['n']}")
    print("\n".join(f"{row['name']} {row['support']} {row['before']} {row['after']}" for row in table["classes"]))
    assert table["before"] == pytest.approx(top1["first"])
    assert top1["grown"] > top1["whole"] - CLOSE
    assert grown.weights_source == first.weights_source
    assert grown.weights_source["sha256"] == whole.weights_source["sha256"]
