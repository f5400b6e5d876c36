"""A finished run is opened again as it was; every fault of its folder has a sentence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.resealing import reseal
from visionft import data
from visionft.errors import DataError, RunError
from visionft.photos import Quarantined
from visionft.runs import Run, atomic_write, layout
from visionft.settings import DataSettings

DAMAGED = r"is damaged \(.*\); restore it from a copy, or train again with another --out"


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of the run that a test may damage."""
    return shutil.copytree(trained, tmp_path / "run")


def test_the_names_of_the_files(trained: Path) -> None:
    assert {entry.name for entry in trained.iterdir()} == layout.FINISHED | layout.REPORTED | {layout.EVALUATION}
    assert {
        "settings.yaml", "choices.json", "environment.json", "data.json", "splits.csv", "classes.json",
        "preprocess.json", "metrics.csv", "checkpoint.pt", "start.safetensors", "weights.safetensors",
        "calibration.json", "class_means.safetensors", "result.json", "digests.json", "run.lock",
    } == layout.FINISHED  # fmt: skip
    assert {"report.html", "report.json", "curves.png", "confusion.png", "augmented.png"} == layout.REPORTED


def test_what_an_open_run_says(trained: Path, shapes: Path) -> None:
    run = Run.open(trained)
    assert tuple(run.classes) == ("disc", "square", "stripes")
    assert run.settings.photos == shapes
    assert run.preprocess.size == (32, 32)
    assert run.weights_source["kind"] == "none"
    assert "torch" in json.dumps(run.environment)
    assert [run.has_split(split) for split in ("train", "validation", "test", "other")] == [True, True, True, False]
    assert str(run).startswith(f"run {trained}: full on test_resnet, 3 classes, validation top-1 ")
    assert "<th>backbone</th><td>test_resnet</td>" in run._repr_html_()


def test_the_summary_has_the_figures_of_json(trained: Path) -> None:
    summary = Run.open(trained).summary()
    assert list(summary) == [
        "run",
        "val_top1",
        "test_top1",
        "seconds",
        "images_per_second",
        "peak_memory_mb",
        "account",
    ]
    assert summary["run"] == str(trained)
    test = json.loads((trained / layout.EVALUATION / "test" / "metrics.json").read_text())
    assert summary["test_top1"] == test["top1"]


def test_the_test_figure_is_none_before_an_evaluation(copy: Path) -> None:
    shutil.rmtree(copy / layout.EVALUATION)
    assert Run.open(copy).summary()["test_top1"] is None


def test_the_manifest_is_the_one_trained_on(trained: Path, shapes: Path) -> None:
    run, fresh = Run.open(trained), data.prepare(shapes, DataSettings())
    assert run.manifest().fingerprint == run.fingerprint == fresh.fingerprint
    assert run.manifest().table.equals(fresh.table)
    assert (run.manifest().root, run.manifest().classes) == (shapes, fresh.classes)


def test_the_manifest_is_not_scanned_again(copy: Path, tmp_path: Path) -> None:
    record = json.loads((copy / layout.DATA).read_text())
    record["root"] = str(tmp_path / "moved away")
    record["quarantine"] = [{"path": "disc/bad.jpg", "reason": "empty file"}]
    record["notes"] = ["said once"]
    (copy / layout.DATA).write_text(json.dumps(record))
    manifest = Run.open(reseal(copy)).manifest()
    assert manifest.fingerprint == record["fingerprint"]
    assert (manifest.root, len(manifest)) == (tmp_path / "moved away", 60)
    assert (manifest.quarantine, manifest.notes) == ((Quarantined("disc/bad.jpg", "empty file"),), ("said once",))


def test_the_network_is_final_fp32_and_in_eval(trained: Path) -> None:
    network = Run.open(trained).network()
    assert not any(module.training for module in network.modules())
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    x = torch.zeros(2, 3, 32, 32)
    assert torch.equal(network(x), Run.open(trained).network()(x))


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"there is no run at .*none; give the folder that `visionft fit` wrote"):
        Run.open(tmp_path / "none")


def test_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run: it has no settings\.yaml; give the folder that `visionft fit`"):
        Run.open(tmp_path)


def test_not_finished(copy: Path) -> None:
    (copy / layout.RESULT).unlink()
    with pytest.raises(RunError, match=r"run is not finished; run the same `visionft fit` again to go on with it"):
        Run.open(copy)


@pytest.mark.parametrize("name", sorted((layout.RECORDS | {layout.WEIGHTS}) - {layout.SETTINGS}))
def test_a_missing_file(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(RunError, match=rf"the run .* lacks {re.escape(name)}; restore it from a copy or train again"):
        Run.open(copy)


JSON: dict[str, Callable[[Run], Any]] = {
    layout.CLASSES: lambda run: run.classes,
    layout.PREPROCESS: lambda run: run.preprocess,
    layout.RESULT: lambda run: run.result,
    layout.CHOICES: lambda run: run.weights_source,
    layout.ENVIRONMENT: lambda run: run.environment,
    layout.DATA: lambda run: run.manifest(),
}


@pytest.mark.parametrize("content", [b'{"names": [', b"\xff\xfe", b"[]"])
@pytest.mark.parametrize("name", JSON)
def test_a_damaged_record(copy: Path, name: str, content: bytes) -> None:
    (copy / name).write_bytes(content)
    with pytest.raises(RunError, match=rf"{re.escape(name)} {DAMAGED}"):
        JSON[name](Run.open(copy))


def test_damaged_settings(copy: Path) -> None:
    (copy / layout.SETTINGS).write_text("epochs: [1\n")
    with pytest.raises(RunError, match=rf"settings\.yaml {DAMAGED}"):
        _ = Run.open(copy).settings
    with pytest.raises(RunError, match=r"settings\.yaml is damaged \(line 2, column 1 is not YAML"):
        _ = Run.open(reseal(copy)).settings


def test_damaged_splits(copy: Path) -> None:
    (copy / layout.SPLITS).write_text("path,label\na.jpg,disc\n")
    with pytest.raises(RunError, match=rf"splits\.csv {DAMAGED}"):
        Run.open(copy).manifest()
    with pytest.raises(DataError, match=r"splits\.csv cannot be read as a splits\.csv"):
        Run.open(reseal(copy)).manifest()


@pytest.mark.parametrize("content", [b"", b"not weights at all", None])
def test_damaged_weights(copy: Path, content: bytes | None) -> None:
    path = copy / layout.WEIGHTS
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(RunError, match=rf"weights\.safetensors {DAMAGED}"):
        Run.open(copy).network()


def test_weights_of_another_network(copy: Path) -> None:
    save_file({"head.weight": torch.zeros(3, 2)}, copy / layout.WEIGHTS)
    with pytest.raises(RunError, match=r"weights\.safetensors is damaged \(it holds the weights of another network\)"):
        Run.open(reseal(copy)).network()


def test_photos_of_a_class_that_the_run_has_not(copy: Path) -> None:
    path = copy / layout.SPLITS
    path.write_text(path.read_text().replace('"disc"', '"dish"', 1))
    with pytest.raises(RunError, match=r"splits\.csv is damaged \(it has the class 'dish', and classes\.json has not"):
        Run.open(reseal(copy)).manifest()


def test_weights_that_are_no_numbers(copy: Path) -> None:
    tensors = Run.open(copy).network().state_dict()
    save_file({name: value / 0 if "head" in name else value for name, value in tensors.items()}, copy / layout.WEIGHTS)
    with pytest.raises(RunError, match=r"weights\.safetensors is damaged \(it holds numbers that are not finite\)"):
        Run.open(reseal(copy)).network()


def test_it_answers_on_the_processor_where_that_was_asked_for(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert json.loads((copy / layout.CHOICES).read_text())["requested"]["hardware"]["device"] == "cpu"
    assert Run.open(copy).device == "cpu"


def test_it_answers_on_a_gpu_that_is_here_where_the_device_was_left_open(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = json.loads((copy / layout.CHOICES).read_text())
    record["requested"]["hardware"]["device"] = "auto"
    atomic_write.write_json(copy / layout.CHOICES, record)
    assert Run.open(copy).device == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Run.open(copy).device == "cuda"
