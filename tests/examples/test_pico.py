"""The recipe of visionft_pico: its views, its teacher's memory, and a pretraining that resumes bit for bit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from tests.scripts import run_python
from visionft.backbones import normalise, pico

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "pico"


@pytest.fixture(scope="module")
def recipe() -> Iterator[dict[str, ModuleType]]:
    """Return the recipe's modules, which import each other by their bare names."""
    import importlib

    names = ("photos", "views", "teacher", "pretrain")
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(FOLDER))
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of random weights of the teacher."""
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("weights") / "mobilenetv2_100.safetensors"
    save_file(timm.create_model("mobilenetv2_100", num_classes=0).state_dict(), place)
    return place


def test_a_view_is_a_pure_function_and_the_same_scene_at_every_size(
    recipe: dict[str, ModuleType], shapes: Path, tmp_path: Path
) -> None:
    photos, view = recipe["photos"].decoded([shapes], tmp_path), recipe["views"].view
    assert 30 < len(photos) < 60  # the train split alone
    np.testing.assert_array_equal(view(photos, 0, 3, 5, 128), view(photos, 0, 3, 5, 128))
    assert (view(photos, 0, 3, 5, 128) != view(photos, 0, 3, 6, 128)).any()
    assert (view(photos, 0, 3, 5, 128) != view(photos, 1, 3, 5, 128)).any()
    apart = []
    for number in range(20):
        large, small = (view(photos, 0, number, number, side).astype(float) for side in (128, 64))
        apart.append(np.abs(large.reshape(64, 2, 64, 2, 3).mean((1, 3)) - small).mean())
    assert np.mean(apart) < 6


def test_features_are_asked_for_once(
    recipe: dict[str, ModuleType], shapes: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = recipe["photos"].decoded([shapes], tmp_path)
    kind = recipe["teacher"].Teacher
    teacher = kind(weights, photos, tmp_path, 2, 0, 0)
    tokens, answers = (np.array(memory.of(1)) for memory in (teacher.tokens, teacher.answers))
    assert (tokens.shape, answers.shape) == ((len(photos), 64, 96), (len(photos), 25, 256))
    assert (tokens.std(0) > 0).any()
    assert (answers.std(0) > 0).any()

    again = kind(weights, photos, tmp_path, 2, 0, 0)
    monkeypatch.setattr(kind, "_asked", lambda *_: pytest.fail("asked twice"))
    np.testing.assert_array_equal(again.tokens.of(1), tokens)
    np.testing.assert_array_equal(again.answers.of(1), answers)


def test_the_student_begins_with_its_teachers_first_stages(
    recipe: dict[str, ModuleType], shapes: Path, weights: Path, tmp_path: Path
) -> None:
    student = timm.create_model(pico.NAME)
    missing, unexpected = student.load_state_dict(recipe["pretrain"].inherited(weights), strict=False)
    assert not unexpected
    assert all(not name.startswith("patch_embed.backbone") for name in missing)

    photos = recipe["photos"].decoded([shapes], tmp_path)
    teacher = recipe["teacher"].Teacher(weights, photos, tmp_path, 1, 0, 0)
    pixels = torch.from_numpy(recipe["views"].view(photos, 0, 3, 0, pico.SIDE))[None]
    with torch.inference_mode():
        (seen,) = student.eval().patch_embed.backbone(normalise(pixels, teacher.preprocess, "cpu"))
    kept = torch.from_numpy(np.array(teacher.tokens.of(0)[3])).float()
    off = seen[0].flatten(1).T - kept
    assert off.norm() < 0.03 * kept.norm()  # the teacher may be asked in bf16


def test_a_blob_covers_a_part_of_the_view(recipe: dict[str, ModuleType]) -> None:
    covered = [1 - recipe["views"]._blob(np.random.default_rng(seed), 64).mean() for seed in range(50)]
    assert 0.02 < min(covered) < max(covered) < 0.9
    assert 0.1 < np.mean(covered) < 0.5


def test_scenes_are_rendered_once_and_the_same(tmp_path: Path) -> None:
    def render(place: str) -> list[bytes]:
        done = run_python(FOLDER, FOLDER / "scenes.py", tmp_path / place, "--count", "3")
        assert done.returncode == 0, done.stderr
        return [path.read_bytes() for path in sorted((tmp_path / place).iterdir())]

    first = render("first")
    assert len(set(first)) == 3
    assert render("again") == first
    (tmp_path / "first" / "00001.jpg").unlink()
    (tmp_path / "first" / "00002.jpg").write_bytes(b"kept as it is")
    assert render("first") == [*first[:2], b"kept as it is"]


@pytest.mark.slow  # each starts a process that imports torch
@pytest.mark.parametrize(
    ("script", "words", "sentence"),
    [
        (
            "pretrain.py",
            ["--teacher", "{weights}", "--also", "{empty}"],
            "{empty} holds no .jpg; render scenes into it",
        ),
        ("pretrain.py", ["--teacher", "{empty}/none"], "there is no file of weights at {empty}/none"),
        ("pretrain.py", ["--teacher", "{weights}", "--views", "0"], "--views 0: give whole numbers from 1"),
        ("probe.py", ["visionft_pico={empty}/none"], "there is no file of weights at {empty}/none"),
        ("probe.py", ["visionft_piko"], "timm has no backbone called 'visionft_piko'; did you mean visionft_pico"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    script: str, words: list[str], sentence: str, shapes: Path, weights: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    given = [word.format(weights=weights, empty=empty) for word in words]
    out = ["--out", tmp_path / "out"] if script == "pretrain.py" else []
    done = run_python(FOLDER, FOLDER / script, shapes, *given, *out)
    assert done.returncode == 2
    assert sentence.format(empty=empty) in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_whole_recipe_resumes_bit_for_bit_and_is_probed(shapes: Path, weights: Path, tmp_path: Path) -> None:
    scenes = shapes / "disc"  # any folder of pictures

    def pretrain(out: str, *flags: str) -> list[dict[str, float]]:
        words = ["--teacher", weights, "--out", tmp_path / out, "--epochs", 3, "--views", 2, "--workers", 0, *flags]
        done = run_python(FOLDER, FOLDER / "pretrain.py", shapes, "--also", scenes, *words)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    whole = pretrain("whole")
    assert [row["epoch"] for row in whole] == [1, 2, 3]
    assert [row["epoch"] for row in pretrain("parts", "--minutes", "0.0001")] == [1]
    assert [row["epoch"] for row in pretrain("parts")] == [2, 3]
    a, b = (load_file(tmp_path / out / "pico.safetensors") for out in ("whole", "parts"))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert whole[-1]["loss"] < whole[0]["loss"]

    made = tmp_path / "whole" / "pico.safetensors"
    done = run_python(FOLDER, FOLDER / "probe.py", shapes, f"visionft_pico={made}", "visionft_pico")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["weights"] for row in rows] == ["pico.safetensors", "random"]
    assert all(row["interval"][0] < row["test_top1"] < row["interval"][1] + 1e-9 for row in rows)
