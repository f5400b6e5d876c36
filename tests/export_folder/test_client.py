"""The Python client: it reads as visionft does, and answers as `visionft predict` does."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.damage import flip, pipe
from tests.export_folder.awkward import FOR_ALL, FOR_PILLOW
from tests.export_folder.conftest import FOLDER
from visionft import photos, predict

LINES = 77
WITHIN = 2  # levels: visionft leaves out conversions that move no colour further


@pytest.fixture(scope="module")
def client() -> ModuleType:
    spec = importlib.util.spec_from_file_location("client", FOLDER / "client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(FOLDER / "client.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_short_and_imports_onnxruntime_numpy_and_pillow_alone() -> None:
    program = (FOLDER / "client.py").read_text(encoding="utf-8")
    tree = ast.parse(program)
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imports |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert len(program.splitlines()) <= LINES
    assert {name.partition(".")[0] for name in imports} - sys.stdlib_module_names == {"numpy", "onnxruntime", "PIL"}


@pytest.mark.parametrize("name", [*FOR_ALL, *FOR_PILLOW])
def test_photos_of_the_decode_table_become_the_same_pixels(client: ModuleType, name: str) -> None:
    data = (FOR_ALL | FOR_PILLOW)[name]
    pixels, wanted = client.decode(BytesIO(data)), photos.decode(data)

    assert pixels.dtype == np.uint8
    assert pixels.shape == wanted.shape
    assert np.abs(pixels.astype(int) - wanted).max() <= WITHIN


def test_every_golden_photo_is_answered_as_by_predict(client: ModuleType, whole: Path) -> None:
    files = sorted((whole / "golden").glob("*.png"))
    told = predict(whole, files).with_top(2)
    session = client.open_model(whole)
    answers = [client.answer(session, client.decode(file), top=2) for file in files]

    assert len(files) == 8
    assert [answer["label"] for answer in answers] == [row.label for row in told]
    assert [bool(answer["unknown"]) for answer in answers] == [row.unknown for row in told]
    assert {row.unknown for row in told} == {True, False}
    for answer, row in zip(answers, told, strict=True):
        np.testing.assert_allclose(answer["probabilities"], row.probabilities, atol=1e-4)
        assert answer["known_score"] == pytest.approx(row.known_score, abs=1e-3)
        assert [label for label, _ in answer["top"]] == [label for label, _ in told.best(row)]


def test_the_command_names_the_class_the_unknown_and_the_best_classes(whole: Path) -> None:
    files = sorted((whole / "golden").glob("*.png"))
    told = predict(whole, files)
    done = run(whole, *files)
    lines = [line.split("  ") for line in done.stdout.splitlines()]

    assert (done.returncode, done.stderr) == (0, "")
    assert [line[0] for line in lines] == [str(file) for file in files]
    assert [line[1] for line in lines] == ["unknown" if row.unknown else row.label for row in told]
    assert [ast.literal_eval(line[2])[0][0] for line in lines] == [row.label for row in told]


def test_what_is_no_photo_is_said_in_one_sentence(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(FOR_ALL["jpeg"][:300])
    done = run(whole, tmp_path / "a.jpg")

    assert done.returncode == 1
    assert done.stderr.startswith(f"{tmp_path / 'a.jpg'} is no photo that can be read (")
    assert len(done.stderr.splitlines()) == 1


DAMAGED: list[tuple[str, Callable[[Path], object], str]] = [
    ("model.onnx", flip, "model.onnx is damaged: its digest is not the one in bundle.json"),
    ("model.onnx", Path.unlink, "bundle.json or model.onnx is missing, or no regular file"),
    ("model.onnx", pipe, "bundle.json or model.onnx is missing, or no regular file"),
    ("bundle.json", pipe, "bundle.json or model.onnx is missing, or no regular file"),
    ("bundle.json", lambda path: path.write_bytes(path.read_bytes()[:99]), "Unterminated string|Expecting|Invalid"),
    ("bundle.json", lambda path: path.write_text("{}"), "'model'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "damage", "words"), DAMAGED)
def test_a_damaged_bundle_is_said_in_one_sentence_before_the_model_is_opened(
    bundle: Path, name: str, damage: Callable[[Path], object], words: str
) -> None:
    damage(bundle / name)
    done = run(bundle, *sorted((bundle / "golden").glob("*.png")))

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        rf"{re.escape(str(bundle))} is no whole bundle \(({words}).*\): copy it again or export it again\n", done.stderr
    )


def test_another_sound_model_under_the_same_name_is_told(bundle: Path, client: ModuleType) -> None:
    record = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    record["model"]["sha256"] = "0" * 64
    (bundle / "bundle.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match=r"model\.onnx is damaged"):
        client.open_model(bundle)
