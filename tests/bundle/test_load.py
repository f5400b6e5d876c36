from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundle.making import CLASSES, adapter_place, make_adapted_bundle, make_bundle
from visionft.bundle import Bundle, is_bundle
from visionft.errors import BundleError


def test_a_whole_bundle_gives_back_what_was_written(tmp_path: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "b"))

    assert bundle.classes == CLASSES
    assert bundle.preprocess.size == (8, 8)
    assert (bundle.temperature, bundle.threshold) == (1.0, -math.inf)
    assert "colours, 3 classes" in str(bundle)
    assert "colours" in bundle._repr_html_()


def test_a_fitted_threshold_is_read(tmp_path: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "b", threshold=2.5, temperature=1.5))

    assert (bundle.temperature, bundle.threshold) == (1.5, 2.5)


def edit(**changes: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        file = folder / "bundle.json"
        file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")

    return apply


def without(key: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        file = folder / "bundle.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        del content[key]
        file.write_text(json.dumps(content), encoding="utf-8")

    return apply


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)


def halve(folder: Path) -> None:
    content = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(content[: len(content) // 2])


def replace_by_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("hello", encoding="utf-8")


def turn_into_run(folder: Path) -> None:
    (folder / "bundle.json").rename(folder / "settings.yaml")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (shutil.rmtree, r"there is no bundle .*: give the folder"),
    "a file": (replace_by_file, r"is a file, not a bundle"),
    "a run": (turn_into_run, r"is a run, not a bundle: write one with `visionft export"),
    "no record": (lambda folder: (folder / "bundle.json").unlink(), r"is not a bundle \(it has no bundle.json\)"),
    "no model": (lambda folder: (folder / "model.onnx").unlink(), r"is incomplete \(it has no model.onnx\)"),
    "bad JSON": (
        lambda folder: (folder / "bundle.json").write_text("{"),
        r"bundle.json is damaged \(it cannot be read as JSON\)",
    ),
    "binary": (
        lambda folder: (folder / "bundle.json").write_bytes(b"\xff\x00"),
        r"bundle.json is damaged \(it cannot be read as JSON\)",
    ),
    "a list": (lambda folder: (folder / "bundle.json").write_text("[]"), r"is damaged \(it holds no JSON object\)"),
    "newer": (edit(schema_version=99), r"has schema version 99 and this visionft reads 1, 2 and 3"),
    "no version": (without("schema_version"), r"has schema version None"),
    "no classes": (without("classes"), r"bundle.json is damaged \(classes: Field required\)"),
    "odd key": (edit(colour="red"), r"bundle.json is damaged \(colour: Extra inputs"),
    "odd temperature": (edit(temperature=0), r"bundle.json is damaged \(temperature:"),
    "order": (edit(classes=list(reversed(CLASSES.names))), r"do not match their hash"),
    "renamed": (edit(classes=["blue", "green", "red/Birnen"]), r"do not match their hash"),
    "preprocess": (edit(preprocess={"version": 1}), r"is damaged \(preprocess\)"),
    "preprocess version": (edit(preprocess={"version": 9}), r"is damaged \(preprocess\)"),
    "flipped bit": (flip_a_bit, r"model.onnx is damaged"),
    "cut": (halve, r"model.onnx is damaged \("),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_is_one_sentence(tmp_path: Path, name: str) -> None:
    folder = make_bundle(tmp_path / "b")
    damage, words = DAMAGES[name]
    damage(folder)

    with pytest.raises(BundleError, match=words) as caught:
        Bundle.open(folder)
    assert "\n" not in str(caught.value)


def test_only_a_bundle_is_one(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "bundle.json").write_text('{"name": "webpack"}', encoding="utf-8")

    assert is_bundle(make_bundle(tmp_path / "b"))
    assert not is_bundle(tmp_path / "other")
    assert not is_bundle(tmp_path / "nowhere")


def two_named_alike(folder: Path) -> None:
    record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    edit(adapters=[record["adapters"][0]] * 2)(folder)


def rename_class(folder: Path) -> None:
    record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    record["adapters"][1]["classes"] = ["crimson", "sea"]
    edit(adapters=record["adapters"])(folder)


def flip_a_bit_of_two(folder: Path) -> None:
    content = bytearray(adapter_place(folder, "two").read_bytes())
    content[-1] ^= 1
    adapter_place(folder, "two").write_bytes(content)


def climb(folder: Path) -> None:
    record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    record["adapters"][1]["file"] = "adapters/../../two.onnx_adapter"
    edit(adapters=record["adapters"])(folder)


ADAPTER_DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "flipped bit": (flip_a_bit_of_two, r"two.onnx_adapter is damaged \("),
    "gone": (lambda folder: adapter_place(folder, "two").unlink(), r"two.onnx_adapter is missing: copy the bundle"),
    "no adapters": (edit(adapters=[]), r"is damaged \(adapters: .*a bundle has classes \(version 1\) or adapters"),
    "both": (edit(classes=["a"]), r"is damaged \(adapters: .*a bundle has classes"),
    "version": (edit(schema_version=1), r"is damaged \(adapters: .*a bundle has classes"),
    "alike": (two_named_alike, r"is damaged \(adapters: .*two adapters have one name"),
    "renamed": (rename_class, r"do not match their hash"),
    "elsewhere": (climb, r"is damaged \(adapters.1.file: String should match pattern"),
}


@pytest.mark.parametrize("name", ADAPTER_DAMAGES)
def test_every_damage_of_a_bundle_with_adapters_is_one_sentence(tmp_path: Path, name: str) -> None:
    folder = make_adapted_bundle(tmp_path / "b")
    damage, words = ADAPTER_DAMAGES[name]
    damage(folder)

    with pytest.raises(BundleError, match=words) as caught:
        Bundle.open(folder)
    assert "\n" not in str(caught.value)


def test_a_bundle_with_adapters_names_them(tmp_path: Path) -> None:
    bundle = Bundle.open(make_adapted_bundle(tmp_path / "b"))

    assert bundle.adapters == ("three", "two")
    assert "2 adapters (three with 3 classes, two with 2 classes)" in str(bundle)
    assert is_bundle(bundle.path)
