"""Objects given to `fit` become settings: the run is as one of the same parts by name, and opens again by itself."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

import visionft as vft
from visionft.data import cache_root
from visionft.errors import UsageError

Flags = dict[str, Any]


def digest(run: vft.Run, name: str = "weights.safetensors") -> str:
    return hashlib.sha256((run.path / name).read_bytes()).hexdigest()


def of_own(small: Flags) -> Flags:
    return {name: value for name, value in small.items() if name not in ("backbone", "weights")}


@pytest.fixture
def network() -> Any:
    torch.manual_seed(5)
    return timm.create_model("test_resnet", num_classes=7)


def test_a_network_is_trained_as_the_same_weights_from_a_file(
    network: Any, shapes: Path, small: Flags, tmp_path: Path
) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), file)
    flags, quiet = of_own(small), lambda _: None
    own = vft.fit(shapes, model=network, out=tmp_path / "own", say=quiet, **flags)
    named = vft.fit(shapes, backbone="test_resnet", weights=str(file), out=tmp_path / "named", say=quiet, **flags)
    assert digest(own) == digest(named)
    lines: list[str] = []
    assert vft.fit(shapes, model=network, out=tmp_path / "own", say=lines.append, **flags).path == own.path
    assert any("is finished already" in line for line in lines)


@pytest.mark.slow
def test_its_run_opens_evaluates_predicts_and_exports_where_the_kept_network_is_gone(
    network: Any, shapes: Path, small: Flags, tmp_path: Path
) -> None:
    folder = vft.fit(shapes, model=network, out=tmp_path / "run", say=lambda _: None, **of_own(small)).path
    shutil.rmtree(cache_root() / "models")
    run = vft.Run.open(folder)
    before = vft.predict(run, shapes / "disc")
    exported = vft.export(run, tmp_path / "bundle")
    after = vft.predict(exported.bundle, shapes / "disc")
    assert [one.label for one in before] == [one.label for one in after]
    assert vft.evaluate(run, split="validation").metrics.n > 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "resnet18"}, "give a name such as 'resnet18' as backbone="),
        ({"backbone": "resnet18"}, "backbone=resnet18 was given; give one of them"),
        ({"from_run": "runs/a"}, "from_run=runs/a was given"),
        ({"model": None, "model_args": {}}, "model_args belongs to a network that is given as model="),
    ],
)
def test_a_network_beside_another_is_refused(
    network: Any, given: Flags, words: str, shapes: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        vft.fit(shapes, out=tmp_path / "run", **{"model": network, **given})
    assert not (tmp_path / "run").exists()
