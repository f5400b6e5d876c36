"""A run answers photos, folders and globs; what cannot be read is listed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from visionft.errors import DataError
from visionft.evaluation import predict_run
from visionft.metrics import softmax, unit
from visionft.photos import read
from visionft.runs import Run
from visionft.serving.streaming import BATCH


@pytest.fixture(scope="module")
def run(trained: Path) -> Run:
    return Run.open(trained)


def test_one_answer_a_photo_in_order(run: Run, shapes: Path) -> None:
    places = [shapes / "square", shapes / "disc" / "03.jpg", str(shapes / "stripes" / "1*.jpg")]
    answers = predict_run(run, places)
    names = [Path(answer.path).relative_to(shapes).as_posix() for answer in answers]
    expected = [f"square/{n:02}.jpg" for n in range(20)] + ["disc/03.jpg"] + [f"stripes/{n}.jpg" for n in range(10, 20)]
    assert names == expected
    assert answers.classes == ("disc", "square", "stripes")


def test_an_answer_follows_from_the_network(run: Run, shapes: Path) -> None:
    answer = predict_run(run, [shapes / "disc" / "00.jpg"])[0]
    x = torch.from_numpy(run.preprocess.tensor(read(shapes / "disc" / "00.jpg")))[None]
    with torch.inference_mode():
        expected = softmax(run.network()(x).numpy())[0]
    assert np.allclose(answer.probabilities, expected, atol=1e-6)
    assert (answer.class_index, answer.probability) == (int(expected.argmax()), pytest.approx(float(expected.max())))
    assert answer.label == run.classes.names[answer.class_index]
    with torch.inference_mode():
        features = run.network().embed(x).numpy()
        score = run.answering().known(run.network()(x).numpy(), unit(features))[0]
    assert (answer.unknown, answer.known_score) == (False, pytest.approx(float(score), abs=1e-4))


def test_junk_is_listed_and_the_rest_answered(run: Run, shapes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    (folder / "__MACOSX").mkdir(parents=True)
    shutil.copy(shapes / "disc" / "00.jpg", folder / "good.jpg")
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no photo")
    answers = predict_run(run, [folder])
    assert [Path(answer.path).name for answer in answers.answered] == ["good.jpg"]
    reasons = {Path(item.path).name: item.reason.partition(" (")[0] for item in answers.quarantine}
    assert reasons == {
        "__MACOSX": "folder made by a system, not photos",
        "empty.jpg": "empty file",
        "text.jpg": "not an image",
    }


def test_names_that_are_not_unicode_are_printable(run: Run, shapes: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    shutil.copy(shapes / "disc" / "00.jpg", odd)
    answers = predict_run(run, [odd])
    assert answers[0].path.endswith(r"caf\xe9.jpg")
    answers.write(tmp_path / "answers.csv")
    assert r"caf\xe9.jpg" in (tmp_path / "answers.csv").read_text(encoding="utf-8")


def test_nothing_that_matches_is_said(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\*\.jpg holds or matches no photo; give the path of a photo, of a folder"):
        predict_run(run, str(tmp_path / "*.jpg"))


def test_photos_in_memory_are_answered_like_their_files(run: Run, shapes: Path) -> None:
    paths = [shapes / "disc" / "00.jpg", shapes / "square" / "01.jpg"]
    by_path = predict_run(run, paths)
    with Image.open(paths[1]) as picture:
        found = predict_run(run, [read(paths[0]), None, picture, paths[0].read_bytes()])
    assert [row.path for row in found] == ["item 0", "item 1", str(paths[1]), "item 3"]
    assert [row.label for row in found] == [by_path[0].label, None, by_path[1].label, by_path[0].label]
    for place, other in ((0, 0), (2, 1), (3, 0)):
        assert np.allclose(found[place].probabilities, by_path[other].probabilities, atol=1e-6)


def test_batches_answer_as_each_photo_alone(run: Run, shapes: Path) -> None:
    paths = sorted(shapes.glob("*/*.jpg"))
    assert len(paths) > BATCH
    together, alone = predict_run(run, paths), [predict_run(run, path)[0] for path in paths[:12]]
    for row, one in zip(together, alone, strict=False):
        assert (row.path, row.label, row.unknown) == (one.path, one.label, one.unknown)
        assert np.allclose(row.probabilities, one.probabilities, atol=1e-6)
    again = predict_run(run, paths)
    assert all(np.array_equal(a.probabilities, b.probabilities) for a, b in zip(together, again, strict=True))
