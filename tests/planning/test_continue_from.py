"""A run that goes on from another one: what it takes over, what it refuses, and that it resumes bit for bit."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.effective import with_defaults
from tests.resealing import reseal
from visionft.backbones import sha256
from visionft.errors import RunError, RunMismatchError, UsageError
from visionft.runs import Run, layout
from visionft.settings import ClassesSettings
from visionft.training import train

Make = Any
Stopping = Any
State = dict[str, torch.Tensor]
MACHINE = {
    "augment.size": 32, "optim.batch_size": 8, "optim.micro_batch": 8, "hardware.workers": 0,
    "hardware.precision": "fp32", "hardware.threads": 1, "hardware.device": "cpu",
}  # fmt: skip
BACKBONE = {"backbone": "test_resnet", "weights": "none", "preprocess.size": 32}
VIT = {**BACKBONE, "backbone": "test_vit", "preprocess.size": 160, "augment.size": 160}


def silent(line: str) -> None:
    pass


def weights(run: Run, name: str = layout.WEIGHTS) -> State:
    return load_file(run.path / name)


def same(a: State, b: State) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def two(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the discs and squares alone."""
    root = tmp_path_factory.mktemp("two") / "two"
    for kind in ("disc", "square"):
        shutil.copytree(shapes / kind, root / kind)
    return root


@pytest.fixture(scope="module")
def begin(two: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Return a maker of runs on two classes; equal flags give the same run, which no test may change."""
    made: dict[str, Run] = {}

    def make(**flags: Any) -> Run:
        wanted = {**BACKBONE, "epochs": 1, **flags}
        if str(wanted) not in made:
            out = tmp_path_factory.mktemp("parent") / "parent"
            made[str(wanted)] = train(with_defaults(two, MACHINE, out=out, **wanted), silent)
        return made[str(wanted)]

    return make


@pytest.fixture
def go_on(shapes: Path, tmp_path: Path) -> Make:
    """Return what fits all three shapes, going on from a run; settings that are the run's are left out."""

    def fit(parent: Run | Path, photos: Path = shapes, say: Any = silent, **flags: Any) -> Run:
        wanted = {"out": tmp_path / "next", "from_run": getattr(parent, "path", parent), **flags}
        return train(with_defaults(photos, MACHINE, **wanted), say)

    return fit


def test_the_head_alone_keeps_every_old_bit_and_learns_the_new_row(go_on: Make, begin: Make) -> None:
    parent = begin()
    told: list[str] = []
    run = go_on(parent, say=told.append, method="head")
    before, after = weights(parent), weights(run)
    for name, tensor in before.items():
        assert torch.equal(after[name][: len(tensor)] if name.startswith("head.") else after[name], tensor), name
    assert after["head.weight"].shape[0] == 3
    assert after["head.weight"][2].any()
    assert "classes: 2 kept, 1 new (stripes)" in told
    assert any(line.startswith("solved 1 new row of the head, 2 stay as they were: validation loss") for line in told)
    assert {entry.name for entry in run.path.iterdir()} == layout.UNTRAINED


def test_settings_transform_and_licence_are_the_earlier_run_s(go_on: Make, begin: Make) -> None:
    parent = begin()
    run = go_on(parent, method="head")
    assert (run.settings.backbone, run.settings.weights) == ("test_resnet", "none")
    assert (run.preprocess, run.weights_source) == (parent.preprocess, parent.weights_source)
    assert run.settings.preprocess == parent.settings.preprocess
    record = json.loads((run.path / layout.CHOICES).read_text())
    reasons = {choice["setting"]: choice["reason"] for choice in record["choices"]}
    assert reasons["backbone"] == f"of the run {parent.path}"
    assert reasons["optim.lr"] == "pretrained, batch-normed"


def test_the_record_says_where_it_came_from_and_so_on_back(go_on: Make, begin: Make, tmp_path: Path) -> None:
    parent = begin()
    child = go_on(parent, method="head")
    grandchild = go_on(child, method="head", out=tmp_path / "third")
    assert parent.origin is None
    assert child.origin == {
        "path": str(parent.path),
        "classes_hash": parent.classes.hash,
        "data_fingerprint": parent.fingerprint,
        "weights_sha256": sha256(parent.path / layout.WEIGHTS),
        "origin": None,
    }
    assert grandchild.origin is not None
    assert (grandchild.origin["path"], grandchild.origin["origin"]) == (str(child.path), child.origin)


def test_all_weights_start_from_the_run_with_the_new_row_solved(go_on: Make, begin: Make) -> None:
    parent = begin()
    run = go_on(parent, epochs=1)
    start, before = weights(run, layout.START), weights(parent)
    for name, tensor in before.items():
        assert torch.equal(start[name][: len(tensor)] if name.startswith("head.") else start[name], tensor), name
    assert start["head.weight"][2].any()
    assert run.settings.method.head_first is True
    assert not same(start, weights(run, layout.WEIGHTS)) or run.result["kept_epoch"] == 0


def test_without_a_new_class_the_head_starts_as_it_was(go_on: Make, begin: Make, two: Path) -> None:
    parent = begin()
    run = go_on(parent, two, epochs=1)
    assert same(weights(run, layout.START), weights(parent))
    assert run.settings.method.head_first is False
    assert run.settings.optim.head_lr == run.settings.optim.lr


def test_without_a_new_class_the_head_method_solves_near_the_run(go_on: Make, begin: Make, two: Path) -> None:
    parent = begin()
    told: list[str] = []
    run = go_on(parent, two, say=told.append, method="head")
    assert run.result["val"]["log_loss"] <= parent.result["val"]["log_loss"] + 1e-4
    assert any("no class is new, so all its rows, drawn to the earlier run's (0 leaves" in line for line in told)


def test_renamed_and_retired_classes(go_on: Make, begin: Make, shapes: Path, tmp_path: Path) -> None:
    parent = begin()
    shutil.copytree(shapes / "square", tmp_path / "photos" / "flat" / "square")
    shutil.copytree(shapes / "stripes", tmp_path / "photos" / "stripes")
    told: list[str] = []
    run = go_on(parent, tmp_path / "photos", told.append, method="head", **{"classes.rename": "square=flat/square"})
    assert list(run.classes) == ["flat/square", "stripes"]
    assert torch.equal(weights(run)["head.weight"][0], weights(parent)["head.weight"][1])
    assert "classes: 1 kept, 1 of them renamed (square to flat/square), 1 new (stripes), 1 retired (disc)" in told


@pytest.mark.parametrize("head", ["mlp", "cosine"])
def test_other_heads_go_on_too(go_on: Make, begin: Make, head: str) -> None:
    parent = begin(head=head)
    run = go_on(parent, epochs=1)
    prefix = "head.out." if head == "mlp" else "head."
    assert run.settings.head == head
    start, before = weights(run, layout.START), weights(parent)
    assert torch.equal(start[f"{prefix}weight"][:2], before[f"{prefix}weight"])
    assert all(torch.equal(start[name], before[name]) for name in before if prefix not in name)


def test_a_run_by_lora_is_a_plain_network(go_on: Make, begin: Make) -> None:
    parent = begin(method="lora", **VIT)
    run = go_on(parent, method={"name": "lora", "rank": 2}, epochs=1, **{"augment.size": 160})
    start, before = weights(run, layout.START), weights(parent)
    assert all(torch.equal(start[name], before[name]) for name in before if name.startswith("backbone."))
    config = json.loads((run.path / layout.ADAPTER / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(parent.path)


ADAPTER = {"name": "adapter", "width": 8}


def test_a_run_by_adapters_goes_on_with_them(go_on: Make, begin: Make) -> None:
    parent = begin(method=ADAPTER, **VIT)
    told: list[str] = []
    run = go_on(parent, say=told.append, method=ADAPTER, epochs=1, **{"augment.size": 160})
    start, before = weights(run, layout.START), weights(parent)
    adapters = [name for name in before if ".adapter." in name]
    assert adapters
    assert all(torch.equal(start[name], before[name]) for name in before if name.startswith("backbone."))
    assert "adapter: going on with what the earlier run added" in told
    assert run.network().num_classes == 3


@pytest.mark.parametrize("method", ["full", "head", "lora", "adapter"])
def test_other_methods_on_adapters_are_refused(go_on: Make, begin: Make, method: str) -> None:
    parent = begin(method=ADAPTER, **VIT)
    words = (
        "carries what --method adapter added, and only the same method goes on with it; "
        "give --method adapter --method.width 8, with --epochs 0 for the head alone"
    )
    with pytest.raises(UsageError, match=words):
        go_on(parent, method=method)


def test_epochs_0_on_adapters_solves_the_new_row_alone(go_on: Make, begin: Make) -> None:
    parent = begin(method=ADAPTER, **VIT)
    run = go_on(parent, method=ADAPTER, epochs=0)
    after, before = weights(run), weights(parent)
    assert all(torch.equal(after[name][: len(before[name])], before[name]) for name in before if before[name].ndim)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            {"backbone": "test_vit"},
            "--backbone is test_vit, and the run .* has test_resnet; leave it out",
        ),
        ({"head": "mlp"}, "--head is mlp, and the run .* has linear; leave it out"),
        ({"preprocess.size": 64}, "--preprocess.size is 64, and the run .* has 32; leave it out"),
        ({"preprocess.mode": "pad"}, "--preprocess.mode is pad, and the run .* has crop; leave it out"),
        ({"classes.rename": "round=stripes"}, "the run that --from names has no class 'round'"),
        ({"classes.rename": "disc=round"}, "the photos have no class 'round' for 'disc' to become"),
    ],
)
def test_what_does_not_fit_the_run_is_refused(
    go_on: Make, begin: Make, tmp_path: Path, flags: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        go_on(begin(), method="head", **flags)
    assert not (tmp_path / "next").exists()


def test_what_is_the_run_s_own_may_be_named(go_on: Make, begin: Make) -> None:
    own = {"backbone": "test_resnet", "preprocess.size": 32, "head": "linear", "preprocess.mode": "crop"}
    assert go_on(begin(), method="head", **own).settings.head == "linear"


def test_weights_beside_a_run_have_no_effect(go_on: Make, begin: Make) -> None:
    with pytest.raises(UsageError, match=r"--weights: none has no effect, as from brings the weights of its run; "):
        go_on(begin(), method="head", weights="none")


def test_a_place_that_is_no_run_is_said(go_on: Make, tmp_path: Path, begin: Make) -> None:
    with pytest.raises(RunError, match=r"there is no run at .*nowhere; give the folder that `visionft fit` wrote"):
        go_on(tmp_path / "nowhere")
    parent = begin()
    with pytest.raises(UsageError, match=r"--from and --out are both .*parent; give another --out"):
        go_on(parent, out=parent.path)


def test_renaming_without_a_run_is_said(settings: Make) -> None:
    with pytest.raises(UsageError, match=r"--classes\.rename: a=b has no effect, as classes of .* none is given"):
        settings(**{"classes.rename": "a=b"})
    asked = settings().model_copy(update={"classes": ClassesSettings(rename={"a": "b"})})
    with pytest.raises(UsageError, match=r"--classes\.rename renames classes of an earlier run and none is given"):
        train(asked, silent)


def test_no_photo_changes_sides(go_on: Make, begin: Make, shapes: Path, tmp_path: Path) -> None:
    """The seed of sides is the photos' content, so other shares are what would move them."""
    parent = begin()
    sides = {"data.test": 0.6, "data.validation": 0.3}
    told: list[str] = []
    run = go_on(parent, say=told.append, method="head", **sides)
    before = dict(zip(*(parent.manifest().table[name].to_pylist() for name in ("digest", "split")), strict=True))
    after = dict(zip(*(run.manifest().table[name].to_pylist() for name in ("digest", "split")), strict=True))
    assert before.items() <= after.items()
    assert f"photos that {parent.path} had keep their sides, unless the new ones bring splits of their own" in told
    assert not [line for line in told if line.startswith("warning")]


def test_test_photos_that_the_run_was_trained_on_are_said(
    go_on: Make, begin: Make, shapes: Path, tmp_path: Path
) -> None:
    parent = begin()
    rows = parent.manifest().rows("train")
    split = {str(path): "test" for path in rows.paths[:3]}
    lines = ["path,label,split"]
    for photo in sorted(shapes.rglob("*.jpg")):
        name = photo.relative_to(shapes).as_posix()
        side = split.get(name) or ("validation" if photo.stem in ("18", "19") else "train")
        lines.append(f"{photo},{photo.parent.name},{side}")
    (tmp_path / "photos.csv").write_text("\n".join(lines) + "\n")
    told: list[str] = []
    go_on(parent, tmp_path / "photos.csv", told.append, method="head")
    words = f"warning: {parent.path} was trained on 3 photos of the 3 in test, or on others of their products: "
    assert f"{words}figures on test flatter the model" in told


def test_photos_of_runs_further_back_keep_their_sides(go_on: Make, begin: Make, shapes: Path, tmp_path: Path) -> None:
    """The second run sees none of the first one's photos, and its weights were trained on them all the same."""
    first = Run(Path(shutil.copytree(begin().path, tmp_path / "first")))
    for number, photo in enumerate(sorted((shapes / "stripes").iterdir())):
        target = tmp_path / "bands" / ("thin" if number % 2 else "thick") / photo.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, target)
    second = go_on(first, tmp_path / "bands", method="head", out=tmp_path / "second")
    sides = {"data.test": 0.6, "data.validation": 0.3}
    third = go_on(second, method="head", out=tmp_path / "third", **sides)
    before = dict(zip(*(first.manifest().table[name].to_pylist() for name in ("digest", "split")), strict=True))
    after = dict(zip(*(third.manifest().table[name].to_pylist() for name in ("digest", "split")), strict=True))
    assert before.items() <= after.items()
    shutil.rmtree(first.path)
    told: list[str] = []
    go_on(second, say=told.append, method="head", out=tmp_path / "fourth", **sides)
    words = "further back, is gone: photos that it was trained on may be drawn for test"
    assert f"note: {first.path}, {words}" in told


def test_a_killed_run_goes_on_without_the_earlier_one(
    go_on: Make, begin: Make, tmp_path: Path, stopping_at: Stopping
) -> None:
    parent = begin()
    own = Run(Path(shutil.copytree(parent.path, tmp_path / "own")))
    whole = go_on(own, epochs=2, out=tmp_path / "whole")
    with stopping_at(3):
        go_on(own, epochs=2)
    shutil.rmtree(own.path)
    assert same(weights(whole), weights(go_on(own, epochs=2)))


@pytest.mark.parametrize("method", ["full", "lora"])
def test_before_its_first_checkpoint_a_run_needs_the_earlier_one_wherever_it_is(
    go_on: Make, begin: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    own = Run(Path(shutil.copytree(begin().path, tmp_path / "own")))
    whole = go_on(own, epochs=1, method=method, out=tmp_path / "whole")

    def die(*_: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["visionft.training.train"], "train_epochs", die)
        with pytest.raises(RuntimeError, match="power cut"):
            go_on(own, epochs=1, method=method)
    moved = own.path.rename(tmp_path / "moved")
    words = "own that this one goes on from is not there any more; put it back, or name its new place with --from"
    with pytest.raises(RunError, match=words):
        go_on(own, epochs=1, method=method)
    assert same(weights(whole), weights(go_on(moved, epochs=1, method=method)))


def test_an_earlier_run_that_changed_is_refused(
    go_on: Make, begin: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Run(Path(shutil.copytree(begin().path, tmp_path / "own")))

    def die(*_: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["visionft.training.train"], "solve_head", die)
        with pytest.raises(RuntimeError, match="power cut"):
            go_on(own, method="head")
    shutil.copy(begin(seed=5).path / layout.WEIGHTS, own.path / layout.WEIGHTS)
    reseal(own.path)
    with pytest.raises(RunError, match="has other weights than it had; restore them from a copy, or give"):
        go_on(own, method="head")
    with pytest.raises(RunMismatchError, match=r"from_run was .*own, is .*parent"):
        go_on(begin(seed=5), method="head")


def test_folders_are_told_apart_by_the_run_they_come_from(
    begin: Make, go_on: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert go_on(begin(), method="head", out="auto").path == Path("runs/shapes-head-from-parent")
