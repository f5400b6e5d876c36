"""A class that is added from a few photos: the others stay bit for bit, and the figures are measured anew."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import visionft
from visionft.cli import main
from visionft.errors import RunError, UsageError
from visionft.runs import Run, layout
from visionft.runs.held_out_file import read_held_out
from visionft.runs.verify_run import check


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.path / layout.WEIGHTS)


def quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def two(shapes: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return prototypes of discs and stripes; the squares, which come between them, are not known."""
    root = tmp_path_factory.mktemp("two")
    for kind in ("disc", "stripes"):
        shutil.copytree(shapes / kind, root / "photos" / kind)
    flags = {name: value for name, value in small.items() if not name.startswith(("epochs", "optim", "augment"))}
    flags |= {"backbone": "visionft_pico", "weights": "auto", "preprocess.size": 64, "method": "prototypes"}
    flags.pop("hardware.precision")
    return visionft.fit(root / "photos", out=root / "run", say=quiet, **flags)


@pytest.fixture(scope="module")
def three(two: Run, shapes: Path) -> Run:
    photos = [shapes / "square" / f"{number:02}.jpg" for number in range(4)]
    return visionft.add_class(two, photos, name="square", out=two.path.with_name("three"), say=quiet)


def test_a_run_of_prototypes_has_these_files(two: Run) -> None:
    names = {entry.name for entry in two.path.iterdir()}
    assert names - {layout.EVALUATION} - layout.REPORTED == layout.PROTOTYPES
    assert two.result["val"]["top1"] > 0.6
    assert two.settings.epochs == 0


def test_every_other_row_is_the_same_bit_for_bit(two: Run, three: Run) -> None:
    before, after = weights(two), weights(three)
    assert list(three.classes) == ["disc", "square", "stripes"]
    for name, tensor in before.items():
        same = after[name][[0, 2]] if name in ("head.weight", "head.bias") else after[name]
        assert torch.equal(same, tensor), name
    assert after["head.weight"][1].any()
    means = [load_file(run.path / layout.CLASS_MEANS)["class_means"] for run in (two, three)]
    assert torch.equal(means[1][[0, 2]], means[0])


def test_it_answers_with_the_new_class(three: Run, shapes: Path) -> None:
    answers = visionft.predict(three, shapes / "square")
    assert sum(row.label == "square" for row in answers) >= 12
    others = visionft.predict(three, [shapes / "disc", shapes / "stripes"])
    assert sum(row.label == Path(row.path).parent.name for row in others) >= 24


def test_the_figures_are_of_all_classes_together(two: Run, three: Run) -> None:
    held, labels = read_held_out(three.path)
    assert np.array_equal(held, read_held_out(two.path)[0])
    assert set(labels.tolist()) == {0, 2}
    with torch.inference_mode():
        logits = three.network().head(torch.from_numpy(held)).numpy()
    assert three.result["val"]["top1"] == pytest.approx((logits.argmax(axis=1) == labels).mean())
    added = three.result["added_classes"]
    assert [(row["name"], row["photos"]) for row in added] == [("square", 4)]
    assert added[0]["top1_before"] == pytest.approx(two.result["val"]["top1"])
    assert added[0]["top1"] == three.result["val"]["top1"] <= added[0]["top1_before"]


def test_the_photos_of_an_added_class_count_as_training_photos(
    two: Run, three: Run, shapes: Path, tmp_path: Path
) -> None:
    assert three.train_counts == {**two.train_counts, "square": 4}
    for name in ("disc", "square"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(3, 6):
            shutil.copy(shapes / name / f"{number:02}.jpg", tmp_path / "photos" / name)
    seen = visionft.evaluate(three, data=tmp_path / "photos", out=tmp_path / "figures").seen
    sides = dict(zip(two.manifest().table["path"].to_pylist(), two.manifest().table["split"].to_pylist(), strict=True))
    learnt = sum(sides.get(f"disc/{number:02}.jpg") == "train" for number in range(3, 6))
    assert seen is not None
    assert seen.train == learnt + 1  # of the squares 03 alone was given for the class


def test_the_folder_is_a_whole_run_to_which_more_can_be_added(two: Run, three: Run, shapes: Path) -> None:
    assert check(three.path).faults == ()
    assert {entry.name for entry in three.path.iterdir()} == layout.PROTOTYPES - {layout.LOCK}
    said: list[str] = []
    four = visionft.add_class(three, shapes / "square" / "07.jpg", name="a box", say=said.append)
    assert four.path == three.path.with_name("three-with-a-box")
    assert list(four.classes) == ["a box", "disc", "square", "stripes"]
    assert torch.equal(weights(four)["head.weight"][[1, 2, 3]], weights(three)["head.weight"])
    assert said[-1].startswith("a box: 1 photo; one photo says nothing of how surely it is found. On validation photos")
    assert visionft.evaluate(three, split="validation").metrics.top1 == pytest.approx(three.result["val"]["top1"])


@pytest.mark.slow
def test_its_bundle_answers_like_the_run(three: Run, shapes: Path, tmp_path: Path) -> None:
    exported = visionft.export(three, tmp_path / "bundle")
    assert exported.agreement == 1
    mine, theirs = (visionft.predict(place, shapes / "square") for place in (three, exported.bundle))
    assert [row.label for row in mine] == [row.label for row in theirs]


@pytest.mark.slow
def test_fit_goes_on_from_it_and_keeps_the_rows(two: Run, shapes: Path, tmp_path: Path) -> None:
    said: list[str] = []
    flags = {"method": "prototypes", "hardware.threads": 1, "hardware.workers": 0, "hardware.device": "cpu"}
    run = visionft.fit(shapes, out=tmp_path / "next", from_run=two.path, say=said.append, **flags)
    assert torch.equal(weights(run)["head.weight"][[0, 2]], weights(two)["head.weight"])
    assert any(line.startswith("1 new prototype, 2 stay as they were: validation loss") for line in said)


def test_refusals_are_one_sentence(two: Run, trained: Path, shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "file").touch()
    with pytest.raises(UsageError, match="is a run of --method full, and a class is added to prototypes; make them"):
        visionft.add_class(trained, shapes / "disc", name="x")
    with pytest.raises(UsageError, match=r"--name: the run .* has the class 'disc' already; give another name"):
        visionft.add_class(two, shapes / "disc")
    with pytest.raises(UsageError, match="--name: the class has no name, as not one folder alone is given"):
        visionft.add_class(two, shapes / "disc" / "00.jpg")
    with pytest.raises(UsageError, match=r"--name: the class name 'a.nb' holds a line break"):
        visionft.add_class(two, shapes / "square", name="a\nb")
    with pytest.raises(RunError, match="exists, and is left as it is; give another --out"):
        visionft.add_class(two, shapes / "square", out=tmp_path / "held")


def test_the_command(two: Run, shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    given = [str(shapes / "square" / "00.jpg"), str(tmp_path / "broken.jpg")]
    line = ["add-class", str(two.path), *given, "--name", "one", "--out", str(tmp_path / "made")]
    assert main(line) == 0
    told = capsys.readouterr().out
    assert "broken.jpg is left out: " in told
    assert "one: 1 photo; " in told
    assert main([*line, "--json"]) == 1
    assert "made exists, and is left as it is" in capsys.readouterr().err
    assert main([*line[:2], str(tmp_path / "broken.jpg"), "--name", "two"]) == 1
    assert "none of the photos can be read; give JPEG" in capsys.readouterr().err
    assert not two.path.with_name("run-with-two").exists()
