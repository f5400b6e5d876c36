"""A blend is a whole run: its figures are its own, other verbs take it, and nothing of it is left after a fault."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import visionft as vft
from tests.effective import of_solved_head
from visionft import photos
from visionft.data import EvalPhotos, eval_batches
from visionft.errors import RunError, UsageError
from visionft.finishing import TENTHS
from visionft.metrics import evaluate_logits
from visionft.runs import Run, layout


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def blended(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return vft.blend(trained, tmp_path_factory.mktemp("blended") / "run", say=silent)


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def states(run: Path, blended: Run) -> list[dict[str, torch.Tensor]]:
    """Return start and end of a run, and the weights between them."""
    return [load_file(path) for path in (run / layout.START, run / layout.WEIGHTS, blended.path / layout.WEIGHTS)]


def figures(run: Run, weights: str) -> Any:
    """Measure a network on the validation photos by the plain parts."""
    rows = run.manifest().rows("validation")
    dataset = EvalPhotos(rows, run.manifest().root, run.preprocess)
    network = run.network(weights)
    with torch.inference_mode():
        mean, std = torch.tensor(run.preprocess.mean), torch.tensor(run.preprocess.std)
        pixels = torch.cat([batch[0] for batch in eval_batches(dataset, 7)]) / 255
        logits = network(((pixels - mean) / std).permute(0, 3, 1, 2)).numpy()
    return evaluate_logits(logits, rows.labels, list(run.classes))


def test_the_path_begins_at_the_start_and_ends_at_the_trained_weights(trained: Path, blended: Run) -> None:
    path = blended.result["blend"]["path"]
    assert [point["coefficient"] for point in path] == list(TENTHS) == pytest.approx([i / 10 for i in range(11)])
    run = Run.open(trained)
    for point, weights in ((path[0], layout.START), (path[-1], layout.WEIGHTS)):
        plain = figures(run, weights)
        assert (point["top1"], point["log_loss"]) == (plain.top1, pytest.approx(plain.log_loss, abs=1e-5))
    assert len({point["log_loss"] for point in path}) == 11


def test_the_chosen_weights_and_figures_are_those_of_the_run(trained: Path, blended: Run) -> None:
    chosen = blended.result["blend"]["coefficient"]
    start, end, made = states(trained, blended)
    for name, tensor in made.items():
        line = torch.lerp(start[name], end[name], chosen) if tensor.is_floating_point() else end[name]
        assert torch.equal(tensor, line), name
    point = next(point for point in blended.result["blend"]["path"] if point["coefficient"] == chosen)
    best = max(blended.result["blend"]["path"], key=lambda one: (one["top1"], -one["log_loss"]))
    assert point == best
    assert blended.result["val"]["top1"] == point["top1"] == vft.evaluate(blended, split="validation").metrics.top1
    assert blended.result["val"]["log_loss"] == pytest.approx(point["log_loss"], abs=1e-6)


def test_it_is_a_whole_run(trained: Path, blended: Run) -> None:
    assert {entry.name for entry in blended.path.iterdir()} == layout.BLENDED | layout.REPORTED | {layout.EVALUATION}
    assert blended.settings == Run.open(trained).settings.model_copy(update={"out": blended.path})
    assert (blended.path / layout.START).read_bytes() == (trained / layout.START).read_bytes()
    assert blended.fingerprint == Run.open(trained).fingerprint
    assert {*Run.open(trained).result, "blend"} == set(blended.result)
    assert f"full, blended {blended.result['blend']['coefficient']:g} of the way, on test_resnet" in str(blended)
    assert blended.summary()["test_top1"] == vft.evaluate(blended).metrics.top1


def test_it_is_exported_with_its_coefficient(blended: Run, shapes: Path, tmp_path: Path) -> None:
    bundle = vft.export(blended, tmp_path / "bundle").bundle
    record = json.loads((bundle / "bundle.json").read_text())
    assert record["provenance"]["blend"] == blended.result["blend"]["coefficient"]
    assert f"- Blended: {record['provenance']['blend']} of the way from the start" in (bundle / "README.md").read_text()
    by_run, by_bundle = vft.predict(blended, shapes / "disc"), vft.predict(bundle, shapes / "disc")
    assert [row.label for row in by_run] == [row.label for row in by_bundle]


def test_a_plain_bundle_says_nothing_of_blends(trained: Path, tmp_path: Path) -> None:
    bundle = vft.export(trained, tmp_path / "bundle").bundle
    assert "blend" not in json.loads((bundle / "bundle.json").read_text())["provenance"]
    assert "Blended" not in (bundle / "README.md").read_text()


def test_each_photo_is_decoded_once_for_all_coefficients(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, opened, read = Run.open(trained), Counter[str](), photos.read

    def reading(path: Path, **kwargs: Any) -> Any:
        opened[Path(path).relative_to(run.manifest().root).as_posix()] += 1
        return read(path, **kwargs)

    monkeypatch.setattr(sys.modules["visionft.data.loading.dataloader"], "read", reading)
    vft.blend(run, tmp_path / "blend", say=silent)
    # Once for the whole path and once more for the final figures of the weights that were chosen.
    assert {opened[path] for path in run.manifest().rows("validation").paths} == {2}
    assert {opened[path] for path in run.manifest().rows("test").paths} == {1}


VIT = {"backbone": "test_vit", "preprocess.size": 160, "augment.size": 160}


@pytest.mark.parametrize(
    "method", ["lora", *(pytest.param(name, marks=pytest.mark.slow) for name in ("adapter", "prompt"))]
)
def test_what_a_method_added_is_blended_too(shapes: Path, small: dict[str, Any], tmp_path: Path, method: str) -> None:
    run = vft.fit(shapes, method=method, out=tmp_path / "run", say=silent, **{**small, **VIT})
    blended = vft.blend(run, coefficients=[0.5], say=silent)
    assert blended.path == tmp_path / "run-blend"
    start, end, made = states(run.path, blended)
    moved = {name for name in end if not torch.equal(end[name], start[name])}
    assert any(name.startswith("backbone.") for name in moved)
    for name in end:
        assert torch.equal(made[name], torch.lerp(start[name], end[name], 0.5) if name in moved else end[name]), name
    x = torch.zeros(1, 3, 160, 160)
    assert not torch.equal(blended.network()(x), run.network()(x))
    assert blended.result["blend"]["coefficient"] == 0.5


def test_the_same_blend_again_is_returned(trained: Path, blended: Run) -> None:
    stamp = (blended.path / layout.WEIGHTS).stat().st_mtime_ns
    said: list[str] = []
    assert vft.blend(trained, blended.path, say=said.append).path == blended.path
    assert (blended.path / layout.WEIGHTS).stat().st_mtime_ns == stamp
    assert said == [f"the blend {blended.path} is finished already; give another --out to make it again"]


def test_a_damaged_blend_is_not_called_finished(trained: Path, blended: Run, tmp_path: Path) -> None:
    spoilt = shutil.copytree(blended.path, tmp_path / "spoilt")
    content = (spoilt / layout.WEIGHTS).read_bytes()
    (spoilt / layout.WEIGHTS).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    said: list[str] = []
    with pytest.raises(RunError, match=r"spoilt is finished, and damaged since \(weights\.safetensors: its digest"):
        vft.blend(trained, spoilt, say=said.append)
    assert not any("finished already" in line for line in said)


def test_something_else_in_the_place_is_left_alone(trained: Path, blended: Run, tmp_path: Path) -> None:
    left = r"exists and is not this blend of .*, so it is left as it is; give another --out"
    with pytest.raises(RunError, match=left):
        vft.blend(trained, blended.path, coefficients=[0.5], say=silent)
    with pytest.raises(RunError, match=left):
        vft.blend(trained, trained, say=silent)
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match=left):
        vft.blend(trained, tmp_path, say=silent)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_fault_half_way_leaves_nothing(copy: Path, tmp_path: Path) -> None:
    (copy / layout.METRICS).unlink()
    with pytest.raises(RunError, match=r"the run .* lacks metrics\.csv; restore it from a copy or train again"):
        vft.blend(copy, coefficients=[1.0], say=silent)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_a_place_that_cannot_be_made(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"--out: .* lies below a file; give a path whose parents are folders"):
        vft.blend(trained, tmp_path / "file" / "blend", coefficients=[1.0], say=silent)


def test_a_run_that_trained_nothing(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    run = vft.fit(shapes, say=silent, out=tmp_path / "run", method="head", **of_solved_head(small))
    said = r"has no start\.safetensors: it trained nothing by epochs \(--method head\), or comes from a version that"
    with pytest.raises(RunError, match=said):
        vft.blend(run, say=silent)
    assert not (tmp_path / "run-blend").exists()


def test_an_unfinished_run(copy: Path) -> None:
    (copy / layout.RESULT).unlink()
    with pytest.raises(RunError, match="is not finished; run the same `visionft fit` again to go on with it"):
        vft.blend(copy, say=silent)


@pytest.mark.parametrize(
    ("coefficients", "said"),
    [
        ([], r"--coefficients: none is given; give numbers from 0 \(the start\) to 1 \(the trained weights\)"),
        (
            [0.5, 1.5],
            r"--coefficients: 1\.5 is not between the start and the trained weights; give numbers from 0 to 1",
        ),
        ([float("nan")], r"--coefficients: nan is not between the start and the trained weights"),
    ],
)
def test_coefficients_that_are_none(trained: Path, tmp_path: Path, coefficients: list[float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        vft.blend(trained, tmp_path / "blend", coefficients=coefficients, say=silent)


@pytest.mark.slow
def test_in_a_real_process(copy: Path) -> None:
    command = [sys.executable, "-m", "visionft", "blend", str(copy)]
    done = subprocess.run([*command, "--coefficients", "0", "0.5", "1", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert list(told) == ["run", "val_top1", "test_top1", "coefficient", "path"]
    blended = Run.open(f"{copy}-blend")
    assert told["run"] == str(blended.path)
    assert (told["coefficient"], told["path"]) == (
        blended.result["blend"]["coefficient"], blended.result["blend"]["path"],
    )  # fmt: skip
    assert [point["coefficient"] for point in told["path"]] == [0.0, 0.5, 1.0]
    assert told["test_top1"] == blended.summary()["test_top1"] is not None
    assert done.stderr.splitlines()[-1] == f"Next: visionft export {blended.path}"
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 1
    assert again.stderr.startswith(f"visionft: {blended.path} exists and is not this blend of {copy}, so it is left")
    assert again.stderr.count("\n") == 1
