"""Retention: before is the start and after the end, on photos that are checked before anything is trained."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

import visionft as vft
from tests.effective import of_solved_head
from tests.resealing import reseal
from visionft.backbones import Network, forward_batches
from visionft.backbones.rewrites import fuse_bn
from visionft.data import EvalPhotos, eval_batches
from visionft.errors import DataError, RunError, UsageError
from visionft.evaluation import Earlier, Retention, measure_retention, retention
from visionft.metrics import bootstrap_difference, knn_accuracy
from visionft.runs import Run, layout
from visionft.settings import DataSettings
from visionft.training import train


@pytest.fixture(scope="module")
def earlier_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return colours in splits layout, 8 training and 6 test photos a class; `val` lacks two of the three classes."""
    root, random = tmp_path_factory.mktemp("earlier") / "colours", np.random.default_rng(0)
    for split, names, photos in (("train", "rgb", 8), ("val", "r", 2), ("test", "rgb", 6)):
        for name in names:
            (root / split / name).mkdir(parents=True)
            for number in range(photos):
                pixels = random.normal(110, 60, (40, 40, 3))
                pixels[..., "rgb".index(name)] += 25
                image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
                image.save(root / split / name / f"{number}.png")
    return root


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def accuracy(run: Run, weights: str, earlier: Earlier) -> Any:
    """Ask a network by the plain parts: every split in one pass."""
    network, answers = run.network(weights), {}
    for split in ("train", "test"):
        photos = EvalPhotos(earlier.manifest.rows(split), earlier.manifest.root, run.preprocess)
        answers[split] = forward_batches(network, eval_batches(photos, 5), run.preprocess, device="cpu")
    train, test = answers["train"], answers["test"]
    return knn_accuracy(train["embedding"], train["labels"], test["embedding"], test["labels"])


def test_before_is_the_start_and_after_the_end(trained: Path, earlier_photos: Path) -> None:
    run = Run.open(trained)
    earlier = Earlier.read(earlier_photos, run.settings.data)
    found = measure_retention(run, earlier)
    before, after = (accuracy(run, weights, earlier) for weights in (layout.START, layout.WEIGHTS))
    assert (found.before, found.after) == (before.accuracy, after.accuracy)
    assert found.intervals["forgotten"] == bootstrap_difference(before.hits, after.hits)
    assert (found.photos, found.gallery, found.queries, found.k, found.trained) == ("colours", 24, 18, 20, True)


def test_each_network_is_folded_once_for_all_batches(
    trained: Path, earlier_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, copies, deepcopy = Run.open(trained), list[Network](), fuse_bn.copy.deepcopy
    earlier = Earlier.read(earlier_photos, run.settings.data)
    whole = measure_retention(run, earlier)
    monkeypatch.setattr(retention, "BATCH", 5)

    def counted(thing: Any, memo: Any = None) -> Any:
        copies.extend([thing] if isinstance(thing, Network) else [])
        return deepcopy(thing, memo)

    monkeypatch.setattr(fuse_bn.copy, "deepcopy", counted)
    assert measure_retention(run, earlier) == whole
    assert len(copies) == 2  # the start and the end


def test_a_network_that_lost_its_features_has_forgotten(copy: Path, earlier_photos: Path) -> None:
    state = load_file(copy / layout.WEIGHTS)
    last = [name for name in state if name.startswith("backbone.layer4") and name.endswith("weight")]
    assert last
    save_file({name: t * 0 if name in last else t for name, t in state.items()}, copy / layout.WEIGHTS)
    run = Run.open(reseal(copy))
    found = measure_retention(run, Earlier.read(earlier_photos, run.settings.data))
    assert found.before > 0.8  # colours are told apart by random features
    assert found.after == pytest.approx(1 / 3)  # all photos are alike: one class is answered
    assert found.forgotten == found.before - found.after
    low, high = found.intervals["forgotten"] or (0.0, 0.0)
    assert 0 < low < found.forgotten < high
    assert f"{100 * found.forgotten:.1f} points forgotten (95 % interval {100 * low:.1f} to " in str(found)


def test_photos_without_sides_are_given_their_own(shapes: Path) -> None:
    """How the new photos are split, or that they have no test split, says nothing about the earlier ones."""
    earlier = Earlier.read(shapes, DataSettings(test=0.0, validation=0.5, layout="classes"))
    assert [len(earlier.manifest.rows(split)) for split in ("train", "test")] == [
        len(Earlier.read(shapes, DataSettings()).manifest.rows(split)) for split in ("train", "test")
    ]
    assert str(earlier).startswith("retention on shapes: ")


def test_a_folder_is_read_where_the_new_photos_are_a_manifest_with_products(earlier_photos: Path) -> None:
    earlier = Earlier.read(earlier_photos, DataSettings(group_by="column", path_column="file"))
    assert len(earlier.manifest.rows("train")) == 24


def test_what_cannot_be_used_is_said(earlier_photos: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(earlier_photos, tmp_path / "damaged")
    (damaged / "train" / "r" / "0.png").write_bytes(b"")
    assert str(Earlier.read(damaged, DataSettings())) == (
        "retention on damaged: 18 photos are looked up among 23 by the features; 1 more in quarantine"
    )


@pytest.mark.parametrize(
    ("forgotten", "said"),
    [
        (
            (0.712, 0.66, (0.021, 0.083)),
            "k-NN 71.2% before, 66.0% after: 5.2 points forgotten (95 % interval 2.1 to 8.3)",
        ),
        ((0.60, 0.64, (-0.06, 0.01)), "k-NN 60.0% before, 64.0% after: 4.0 points gained (95 % interval -1.0 to 6.0)"),
    ],
)
def test_the_line(forgotten: tuple[float, float, tuple[float, float]], said: str) -> None:
    before, after, interval = forgotten
    assert str(Retention("grocery", "f", 9, 5, 9, before, after, {"forgotten": interval}, True)) == (
        f"retention on grocery: {said}"
    )


def test_an_untrained_backbone_forgets_nothing(
    shapes: Path, earlier_photos: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    said: list[str] = []
    flags = {**of_solved_head(small), "method": "head", "out": tmp_path / "run", "retention": earlier_photos}
    vft.fit(shapes, say=said.append, **flags)
    line = next(line for line in said if line.startswith("retention on colours: k-NN"))
    assert line.endswith("% before and after: the backbone was not trained, so nothing is forgotten")
    record = json.loads((tmp_path / "run" / layout.RETENTION / "metrics.json").read_text())
    assert record["before"] == record["after"] > 0.8
    assert (record["forgotten"], record["trained"]) == (0.0, False)


def test_fit_measures_once_and_a_finished_run_when_asked(
    trained: Path, shapes: Path, earlier_photos: Path, small: dict[str, Any], copy: Path
) -> None:
    """Retention decides nothing about the training: the finished run of the same settings is measured, not refused."""
    said: list[str] = []
    flags: dict[str, Any] = {**small, "out": copy, "say": said.append}
    run = vft.fit(shapes, retention=earlier_photos, **flags)
    assert said[0] == "retention on colours: 18 photos are looked up among 24 by the features"
    assert sum("points" in line for line in said) == 1
    assert run.summary()["retention"]["queries"] == 18
    vft.fit(shapes, retention=earlier_photos, **flags)
    assert sum("points" in line for line in said) == 1
    vft.fit(shapes, retention=shapes, **flags)
    assert run.summary()["retention"]["photos"] == "shapes"


def test_evaluate_puts_it_beside_the_new_task(trained: Path, copy: Path, earlier_photos: Path, tmp_path: Path) -> None:
    evaluation = vft.evaluate(copy, retention=earlier_photos)
    assert evaluation.retention is not None
    assert str(evaluation).splitlines()[-1] == str(evaluation.retention)
    assert str(evaluation.retention) in evaluation._repr_html_()
    record = json.loads((copy / layout.RETENTION / "metrics.json").read_text())
    assert record["after"] == evaluation.retention.after
    vft.evaluate(copy, retention=earlier_photos, out=tmp_path / "figures")
    assert json.loads((tmp_path / "figures" / "retention" / "metrics.json").read_text()) == record


def test_a_bundle_tells_the_figures_and_no_path(
    shapes: Path, earlier_photos: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    run = vft.fit(shapes, retention=earlier_photos, out=tmp_path / "run", say=lambda _: None, **small)
    text = (vft.export(run, tmp_path / "bundle").bundle / "bundle.json").read_text()
    assert json.loads(text)["figures"]["retention"]["before"] == run.summary()["retention"]["before"]
    assert str(earlier_photos.parent) not in text


def test_a_bundle_has_no_start(trained: Path, earlier_photos: Path, tmp_path: Path) -> None:
    bundle = vft.export(trained, tmp_path / "bundle").bundle
    with pytest.raises(UsageError, match="is a bundle, which has no start to compare with; give --retention with its"):
        vft.evaluate(bundle, data=earlier_photos, retention=earlier_photos)


def test_a_run_that_did_not_keep_its_start(copy: Path, earlier_photos: Path) -> None:
    (copy / layout.START).unlink()
    reseal(copy)
    with pytest.raises(
        RunError, match=r"has no start\.safetensors: it trained nothing by epochs \(--method head\), or"
    ):
        vft.evaluate(copy, retention=earlier_photos)


def test_photos_are_refused_before_anything_is_trained(
    shapes: Path, earlier_photos: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    def fit(photos: Path) -> None:
        vft.fit(shapes, retention=photos, out=tmp_path / "run", say=lambda _: None, **small)

    with pytest.raises(DataError, match=r"--retention: there is no .*nowhere: give a folder of class folders"):
        fit(tmp_path / "nowhere")
    untested = shutil.copytree(earlier_photos, tmp_path / "untested")
    shutil.rmtree(untested / "test")
    with pytest.raises(DataError, match=r"--retention: .*untested has no test photos to ask the others about; give"):
        fit(untested)
    single = tmp_path / "single"
    shutil.copytree(shapes / "disc", single / "disc")
    with pytest.raises(
        DataError, match=r"--retention: .*single has photos of only one class, 'disc': give at least two"
    ):
        fit(single)
    broken = shutil.copytree(earlier_photos, tmp_path / "broken")
    for photo in broken.glob("*/*/*.png"):
        photo.write_bytes(b"")
    with pytest.raises(DataError, match=r"--retention: none of the 44 photos of .*broken can be used"):
        fit(broken)
    assert not (tmp_path / "run").exists()


def test_training_is_the_same_with_and_without(
    trained: Path, shapes: Path, earlier_photos: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    settings = vft.FitSettings.model_validate(
        {**Run.open(trained).settings.model_dump(), "out": tmp_path / "run", "retention": earlier_photos}
    )
    assert (train(settings, lambda _: None).path / layout.WEIGHTS).read_bytes() == (
        trained / layout.WEIGHTS
    ).read_bytes()


@pytest.mark.slow
def test_in_a_real_process(copy: Path, earlier_photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "visionft", "evaluate", copy, "--retention", earlier_photos, "--json"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["retention"] == json.loads((copy / layout.RETENTION / "metrics.json").read_text())
    assert "retention on colours: k-NN " in done.stderr
    wrong = subprocess.run(
        [*map(str, command[:6]), str(tmp_path / "none")], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 1
    assert wrong.stderr.startswith(f"visionft: --retention: {tmp_path / 'none'} does not exist; give a folder of class")


@pytest.mark.slow
def test_real_photos_whose_validation_lacks_classes(shared: Path) -> None:
    earlier = Earlier.read(shared / "data" / "grocery", DataSettings())
    assert str(earlier) == "retention on grocery: 2,485 photos are looked up among 2,640 by the features"
    assert len(set(earlier.manifest.rows("validation").labels)) == 60 < len(earlier.manifest.classes) == 81
