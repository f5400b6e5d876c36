"""A trial takes the steps of a fit, and foretells what the fit then is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from visionft import data, methods
from visionft.advising import first_look
from visionft.advising.timing import Limits
from visionft.advising.trials import try_method
from visionft.data import Manifest
from visionft.errors import BackboneError
from visionft.runs import layout
from visionft.runs.history import Epoch
from visionft.runs.weights_file import ADAPTER_WEIGHTS
from visionft.settings import OptimSettings
from visionft.training import train

OPTIM = OptimSettings(lr=1e-3, head_lr=1e-3, layer_decay=1.0)


def ignore(done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def manifest(shapes: Path) -> Manifest:
    from visionft.settings import DataSettings

    return data.prepare(shapes, DataSettings())


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), path)
    return path


@pytest.fixture
def vit(settings: Any, pretrained: Path) -> Any:
    def make(**flags: Any) -> Any:
        return settings(**{"backbone": "test_vit", "weights": str(pretrained), **flags})

    return make


@pytest.mark.parametrize(("method", "phases"), [("full", 1), ("gradual", 3), ("prompt", 1)])
def test_a_trial_foretells_the_fit(vit: Any, manifest: Manifest, method: str, phases: int) -> None:
    wanted = vit(method=method, epochs=3)
    seen: list[tuple[int, int]] = []
    trial = try_method(wanted, manifest, Limits(6), advance=lambda done, planned: seen.append((done, planned)))
    run = train(wanted, lambda _: None)
    rows = (run.path / layout.METRICS).read_text().splitlines()
    last = dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))
    assert list(last) == [name.replace("val_score", "val_top1") for name in Epoch.__dataclass_fields__]
    assert (trial.epochs, trial.steps, trial.batch) == (int(last["epoch"]), int(last["step"]), 8)
    assert (trial.tried, seen[-1]) == (6, (6, 6))
    assert trial.solves_head
    kept = run.path / layout.ADAPTER / ADAPTER_WEIGHTS if trial.own_file else run.path / layout.WEIGHTS
    assert trial.own_file == (method == "prompt")
    assert trial.stored_bytes == sum(tensor.nbytes for tensor in load_file(kept).values())
    # Of a transformer all weights are trained or stored in the file: it has no statistics.
    assert 4 * trial.trainable == trial.stored_bytes
    assert trial.step_seconds > 0
    assert trial.images_per_second == 8 / trial.step_seconds
    assert trial.peak_memory > 1e8
    assert trial.saved_bytes > 0
    assert phases == len({stretch.lowest for stretch in schedule_of(wanted, manifest).stretches})


def schedule_of(wanted: Any, manifest: Manifest) -> methods.Schedule:
    from visionft import backbones
    from visionft.planning.plan import make_plan

    plan = make_plan(wanted, manifest, lambda _: None)
    levels = backbones.depth_map(plan.network).levels
    facts = methods.Facts(levels, 5, int(plan.settings.epochs), True)
    return methods.schedule(plan.settings.method, plan.settings.optim, facts)


def test_time_ends_a_trial_before_its_steps(vit: Any, manifest: Manifest) -> None:
    assert try_method(vit(method="norm"), manifest, Limits(50, seconds=0.0), advance=ignore).tried == 2


def test_a_refusal_is_raised_as_fit_would(settings: Any, manifest: Manifest) -> None:
    with pytest.raises(BackboneError, match="test_resnet has no MLPs that an adapter can stand beside; take --method"):
        try_method(settings(method="adapter"), manifest, Limits(2), advance=ignore)


def test_a_trial_writes_nothing(vit: Any, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    try_method(vit(method="bitfit"), manifest, Limits(2), advance=ignore)
    assert list((tmp_path / "here").iterdir()) == []
    assert not (tmp_path / "run").exists()


def test_test_photos_are_left_alone(vit: Any, manifest: Manifest, tmp_path: Path, shapes: Path) -> None:
    import shutil

    place = tmp_path / "copy"
    shutil.copytree(shapes, place)
    wanted = vit(method="head", epochs="auto").model_copy(update={"photos": place})
    split = data.prepare(place, wanted.data)
    for path in split.rows("test").paths:
        (place / path).unlink()
    assert first_look.look(wanted, split, advance=ignore).held_out == 10
    assert (
        try_method(vit(method="norm").model_copy(update={"photos": place}), split, Limits(2), advance=ignore).tried == 2
    )
