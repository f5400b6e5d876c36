"""`find-lr` from one end to the other: what it refuses, the verb, and a real process."""

from __future__ import annotations

import inspect
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import visionft as vft
from visionft.cli import main
from visionft.errors import UsageError
from visionft.settings.find_lr import FindLrSettings

SMALL = (
    "--backbone test_resnet --weights none --epochs 1 --preprocess.size 32 --augment.size 32 --optim.batch-size 8 "
    "--optim.micro-batch 8 --hardware.workers 0 --hardware.precision fp32 --hardware.threads 1 --hardware.device cpu"
)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("find-lr . --method head", "find-lr: there is no rate to find, as the method head solves a linear head and"),
        ("find-lr . --epochs 0", "find-lr: there is no rate to find, as epochs 0 trains nothing; give --epochs from 1"),
        ("find-lr . --steps 3", "--steps: 3 is out of range; give a whole number from 20 to 10000"),
        ("find-lr . --lowest 1 --highest 0.1", "--lowest, --highest: a rate cannot rise from 1 to 0.1; give two"),
        ("find-lr . --highest 12", "--lowest, --highest: a rate cannot rise from 1e-07 to 12; give two above 0"),
        ("find-lr . --optim.lr 1", "find-lr has no flag --optim.lr"),
        ("find-lr . --from a", "find-lr has no flag --from"),
        ("lr-find .", "there is no command lr-find; did you mean find-lr?"),
    ],
)
def test_what_cannot_be_found_is_one_sentence(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(line)) == 2
    assert capsys.readouterr().err.startswith(f"visionft: {told}")


def test_a_rate_that_is_given_is_not_looked_for(shapes: Path) -> None:
    with pytest.raises(UsageError, match=r"--optim\.lr: 0\.001 is given, and find-lr looks for it; leave it out"):
        vft.find_lr(shapes, **{"optim.lr": 1e-3})
    with pytest.raises(UsageError, match="--distill: a has no part in find-lr, which tries a fit of its own"):
        vft.find_lr(shapes, distill="a")


def test_the_verb_has_the_defaults_of_the_command() -> None:
    given = inspect.signature(vft.find_lr).parameters
    assert {name: given[name].default for name in FindLrSettings.model_fields} == {
        name: field.default for name, field in FindLrSettings.model_fields.items()
    }


@pytest.mark.slow
def test_a_real_process_suggests_a_rate_and_the_fit_that_takes_it(shapes: Path, tmp_path: Path) -> None:
    words = f"find-lr {shapes} {SMALL} --steps 25 --lowest 1e-5 --json"
    done = subprocess.run(
        [sys.executable, "-m", "visionft", *shlex.split(words)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert 1e-5 < told["lr"] < 1.0
    assert told["default"] == 2e-3
    folder = tmp_path / "runs" / "shapes-find-lr"
    assert sorted(path.name for path in folder.iterdir()) == ["lr_finder.csv", "lr_finder.png"]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["shapes-find-lr"]
    following = done.stderr + done.stdout
    assert f"--optim.lr {told['lr']}" in following
