"""Objects given to `fit` become settings: the run is as one of the same parts by name, and opens again by itself."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import albumentations as A
import pytest
import timm
import torch
from safetensors.torch import save_file

import visionft as vft
from visionft.data import cache_root
from visionft.errors import RunMismatchError, SettingsError, UsageError

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


PIPELINE = A.Compose([A.RandomResizedCrop((32, 32), scale=(0.5, 1.0)), A.HorizontalFlip(), A.ColorJitter(p=0.8)])


@pytest.fixture(scope="module")
def piped(shapes: Path, small: Flags, tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    """Return a run whose photos a pipeline changed; no test may change it."""
    out = tmp_path_factory.mktemp("piped") / "run"
    return vft.fit(shapes, augment_pipeline=PIPELINE, out=out, say=lambda _: None, **small)


def test_a_pipeline_from_its_file_and_from_the_settings_of_a_run_trains_the_same_weights(
    piped: vft.Run, shapes: Path, small: Flags, tmp_path: Path
) -> None:
    A.save(PIPELINE, tmp_path / "pipeline.yaml", data_format="yaml")
    flags = {**small, "augment.pipeline": str(tmp_path / "pipeline.yaml")}
    lines: list[str] = []
    filed = vft.fit(shapes, out=tmp_path / "filed", say=lines.append, **flags)
    (tmp_path / "pipeline.yaml").unlink()
    again = vft.fit(config=piped.path / "settings.yaml", out=tmp_path / "again", say=lambda _: None)
    assert digest(filed) == digest(again) == digest(piped)
    assert any("a pipeline of your own: RandomResizedCrop, HorizontalFlip and ColorJitter" in line for line in lines)
    plain = vft.fit(shapes, out=tmp_path / "plain", say=lambda _: None, **small)
    assert digest(plain) != digest(piped)


def test_a_run_goes_on_with_its_own_pipeline_alone(piped: vft.Run, shapes: Path, small: Flags) -> None:
    vft.fit(shapes, augment_pipeline=PIPELINE, out=piped.path, say=lambda _: None, **small)
    with pytest.raises(RunMismatchError, match=r"augment\.pipeline was another one"):
        vft.fit(shapes, augment_pipeline=A.HorizontalFlip(), out=piped.path, say=lambda _: None, **small)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"augment.pipeline": "p.yaml"}, UsageError, "augment_pipeline= and augment.pipeline are the same"),
        ({"augment": {"pipeline": "p.yaml"}}, UsageError, "augment_pipeline= and augment.pipeline are the same"),
        ({"augment.strength": "strong"}, SettingsError, "strong has no effect, as augment.pipeline takes its place"),
        ({"augment.flip": True}, SettingsError, "true has no effect, as augment.pipeline takes its place"),
        ({"epochs": 0}, SettingsError, "no effect, as epochs 0 trains nothing"),
    ],
)
def test_a_pipeline_beside_what_it_replaces_is_refused(
    given: Flags, kind: type[Exception], words: str, shapes: Path, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words):
        vft.fit(shapes, augment_pipeline=PIPELINE, out=tmp_path / "run", say=lambda _: None, **given)
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_missing_is_named_before_any_work(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--augment\.pipeline: gone\.yaml cannot be read \(there is no such file"):
        vft.fit(shapes, out=tmp_path / "run", **{"augment.pipeline": "gone.yaml"})
