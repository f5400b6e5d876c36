from __future__ import annotations

import ast
import hashlib
import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.bundle.making import adapter_place, colour_model, make_adapted_bundle
from tests.bundle.test_external_data import PLACES, outside
from tests.export_folder.conftest import FOLDER
from visionft.files import digests
from visionft.serving import Session


def checked(bundle: Path | None) -> subprocess.CompletedProcess[str]:
    """Run check.py as its user does, without visionft on the path."""
    arguments = [] if bundle is None else [str(bundle)]
    return subprocess.run(
        [sys.executable, "-I", str(FOLDER / "check.py"), *arguments], capture_output=True, text=True, check=False
    )


def test_it_imports_onnxruntime_numpy_and_python_alone() -> None:
    tree = ast.parse((FOLDER / "check.py").read_text(encoding="utf-8"))
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imports |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    roots = {name.partition(".")[0] for name in imports}
    assert roots - sys.stdlib_module_names == {"numpy", "onnxruntime"}


def test_a_whole_bundle_conforms(bundle: Path) -> None:
    done = checked(bundle)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{bundle} conforms: 8 golden photos\n"


def test_a_bundle_without_golden_photos_conforms_as_far_as_it_goes(bundle: Path) -> None:
    shutil.rmtree(bundle / "golden")
    edit(bundle, golden={"kind": "none", "n": 0, "tolerance": 0.001})
    digests.seal(bundle)

    done = checked(bundle)

    assert (done.returncode, done.stdout) == (0, f"{bundle} conforms; it has no golden photos\n")


def test_without_a_bundle_it_says_how_to_call_it() -> None:
    done = checked(None)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "usage: python check.py BUNDLE\n")


def replace_model(bundle: Path) -> None:
    """Put another file in the model's place, digest and all."""
    (bundle / "model.onnx").write_bytes(b"no model")
    record = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    edit(bundle, model=record["model"] | {"sha256": hashlib.sha256(b"no model").hexdigest()})


def edit(bundle: Path, **changes: Any) -> None:
    file = bundle / "bundle.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def remodel(bundle: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    """Change the graph and put its new digest into the record, as someone does who means it well."""
    file = bundle / "model.onnx"
    model = onnx.load(file)
    change(model)
    onnx.save(model, file)
    record = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    content = file.read_bytes()
    edit(bundle, model=record["model"] | {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})


def swap_names(model: onnx.ModelProto) -> None:
    names = next(item for item in model.graph.initializer if item.name == "class_names")
    swapped = numpy_helper.to_array(names)[::-1]
    names.CopyFrom(numpy_helper.from_array(swapped, "class_names"))


def soften(model: onnx.ModelProto) -> None:
    constant = next(item for item in model.graph.initializer if item.name == "temperature")
    constant.CopyFrom(numpy_helper.from_array(np.asarray(np.float32(1.5)), "temperature"))


def raise_threshold(model: onnx.ModelProto) -> None:
    constant = next(item for item in model.graph.initializer if item.name == "threshold")
    constant.CopyFrom(numpy_helper.from_array(np.asarray(np.float32(1e9)), "threshold"))


def widen_score(model: onnx.ModelProto) -> None:
    constant = next(item for item in model.graph.initializer if item.name == "largest_logit_spread")
    constant.CopyFrom(numpy_helper.from_array(3 * numpy_helper.to_array(constant), constant.name))


def drop_embedding(model: onnx.ModelProto) -> None:
    kept = [value for value in model.graph.output if value.name != "embedding"]
    model.graph.ClearField("output")
    model.graph.output.extend(kept)


def forget_classes(model: onnx.ModelProto) -> None:
    model.ClearField("metadata_props")


def swap_channels(bundle: Path) -> None:
    for file in (bundle / "golden").glob("*.npy"):
        np.save(file, np.ascontiguousarray(np.load(file)[..., ::-1]))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no record": (lambda bundle: (bundle / "bundle.json").unlink(), "bundle.json is missing, or no regular file"),
    "newer": (
        lambda bundle: edit(bundle, schema_version=9),
        "bundle.json has schema version 9, this check knows 1, 2, 3",
    ),
    "no model": (lambda bundle: (bundle / "model.onnx").unlink(), "model.onnx is missing"),
    "cut model": (lambda bundle: (bundle / "model.onnx").write_bytes(b"cut"), "model.onnx is damaged: 3 bytes"),
    "no ONNX": (replace_model, "model.onnx keeps tensors in other files, or is no ONNX file: it must not be opened"),
    "classes": (lambda bundle: edit(bundle, classes=["a", "b", "c"]), "classes do not match classes_hash"),
    "names": (lambda bundle: remodel(bundle, swap_names), "label is hat, red, expected Boots"),
    "softened": (lambda bundle: remodel(bundle, soften), "probabilities is off by 0."),
    "threshold": (lambda bundle: remodel(bundle, raise_threshold), "unknown is True, by the threshold in bundle.json"),
    "score": (lambda bundle: remodel(bundle, widen_score), "known_score is off by "),
    "tensor": (lambda bundle: remodel(bundle, drop_embedding), "out embedding is not in model.onnx"),
    "metadata": (lambda bundle: remodel(bundle, forget_classes), "model.onnx holds other classes than bundle.json"),
    "no golden": (
        lambda bundle: shutil.rmtree(bundle / "golden"),
        "golden/ cannot be read: ValueError: expected.json is missing",
    ),
    "BGR": (swap_channels, "(photo 2 of a batch of 2): probabilities is off by 0."),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_told_and_fails(bundle: Path, name: str) -> None:
    damage, words = FAULTS[name]
    (bundle / "digests.json").unlink()
    edit(bundle, provenance={})  # as of an older version: what lies behind it is looked at
    damage(bundle)

    done = checked(bundle)

    assert (done.returncode, done.stderr) == (1, "")
    assert words in done.stdout
    assert "does not conform" in done.stdout.splitlines()[-1]


def test_lost_digests_are_told(bundle: Path) -> None:
    (bundle / "digests.json").unlink()

    done = checked(bundle)

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("digests.json is missing: whether bundle.json is as it was written, nobody can know")


def test_damage_of_any_file_is_told_by_its_digest(bundle: Path) -> None:
    for name in ("README.md", "golden/00.png", "golden/expected.json"):
        (bundle / name).write_bytes((bundle / name).read_bytes()[:-1])
    (bundle / "golden" / "00.npy").unlink()

    done = checked(bundle)

    assert (done.returncode, done.stderr) == (1, "")
    told = "is damaged: its digest is not the one in digests.json"
    assert done.stdout.splitlines()[:-1] == [
        f"README.md {told}", "golden/00.npy is missing, or no regular file of the bundle", f"golden/00.png {told}",
        f"golden/expected.json {told}",
    ]  # fmt: skip


def test_a_model_that_reads_other_files_is_not_opened(bundle: Path) -> None:
    remodel(bundle, lambda model: [place(model, outside("etc/passwd")) for place in PLACES.values()])  # type: ignore[misc]
    digests.seal(bundle)

    done = checked(bundle)

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(
        "model.onnx keeps tensors in other files, or is no ONNX file: it must not be opened\n"
    )


@pytest.mark.parametrize("place", PLACES)
def test_the_check_finds_a_tensor_elsewhere_wherever_it_stands(place: str) -> None:
    program = runpy.run_path(str(FOLDER / "check.py"))
    model = colour_model()
    assert not program["reads_other_files"](model.SerializeToString())
    PLACES[place](model, outside("etc/passwd"))
    assert program["reads_other_files"](model.SerializeToString())


@pytest.mark.parametrize("name", ["bundle.json", "model.onnx", "golden/expected.json", "golden/00.npy", "digests.json"])
def test_links_are_not_followed(bundle: Path, name: str) -> None:
    (bundle / name).rename(bundle.with_name("elsewhere"))
    (bundle / name).symlink_to(bundle.with_name("elsewhere"))

    done = checked(bundle)

    assert (done.returncode, done.stderr) == (1, "")
    assert f"{name} is missing, or no regular file" in done.stdout


@pytest.fixture
def adapted(tmp_path: Path) -> Path:
    """Return a bundle of two adapters with a golden photo each."""
    folder = make_adapted_bundle(tmp_path / "adapted")
    session, pixels = Session(folder), np.full((4, 5, 3), (160, 16, 32), np.uint8)
    record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    for own in record["adapters"]:
        own["golden"] = {"kind": "photos", "n": 1, "tolerance": 0.001}
        place = folder / "golden" / own["name"]
        place.mkdir(parents=True)
        np.save(place / "00.npy", pixels)
        given = vars(session.answer(pixels, own["name"]))
        row = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in given.items()}
        content = {"tolerance": 0.001, "photos": [{"pixels": "00.npy", **row}]}
        (place / "expected.json").write_text(json.dumps(content), encoding="utf-8")
    edit(folder, adapters=record["adapters"])
    return folder


def test_a_bundle_with_adapters_conforms(adapted: Path) -> None:
    done = checked(adapted)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{adapted} conforms: 2 golden photos\n"


def swap_adapters(folder: Path) -> None:
    """Let each name stand for the other's file, digest and all."""
    record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    one, two = record["adapters"]
    for key in ("file", "sha256", "bytes"):
        one[key], two[key] = two[key], one[key]
    edit(folder, adapters=[one, two])


def rename_class(folder: Path) -> None:
    record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    record["adapters"][1]["classes"] = ["crimson", "sea"]
    edit(folder, adapters=record["adapters"])


ADAPTER_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (lambda folder: adapter_place(folder, "two").write_bytes(b"cut"), "two.onnx_adapter is missing or damaged"),
    "gone": (lambda folder: adapter_place(folder, "two").unlink(), "two.onnx_adapter is missing or damaged"),
    "swapped": (swap_adapters, "golden/three/00.npy (photo 1 of a batch of 1): probabilities has the shape [2]"),
    "renamed": (rename_class, "classes of the adapter two do not match classes_hash"),
    "no golden": (
        lambda folder: shutil.rmtree(folder / "golden" / "two"),
        "golden/two/ cannot be read: ValueError: expected.json is missing",
    ),
    "BGR": (
        lambda folder: swap_channels_of(folder, "two"),
        "golden/two/00.npy (photo 2 of a batch of 2): label is navy",
    ),
}


def swap_channels_of(folder: Path, adapter: str) -> None:
    file = folder / "golden" / adapter / "00.npy"
    np.save(file, np.ascontiguousarray(np.load(file)[..., ::-1]))


@pytest.mark.parametrize("name", ADAPTER_FAULTS)
def test_every_fault_of_a_bundle_with_adapters_is_told(adapted: Path, name: str) -> None:
    damage, words = ADAPTER_FAULTS[name]
    damage(adapted)

    done = checked(adapted)

    assert (done.returncode, done.stderr) == (1, "")
    assert words in done.stdout
