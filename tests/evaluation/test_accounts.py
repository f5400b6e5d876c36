"""What figures lack and what flatters them is told with them: in words, in JSON and on disk."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import visionft as vft
from tests.bundle.making import make_bundle
from tests.resealing import reseal
from visionft.classes import Classes
from visionft.cli import main
from visionft.data import Column, Rows
from visionft.errors import DataError, UsageError
from visionft.evaluation import Evaluation, before_after, evaluate_run
from visionft.evaluation.evaluation import Measured
from visionft.photos import Account
from visionft.runs import Run, layout


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    """Return a copy of the run, which a test may write into."""
    return Run.open(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def photos(shapes: Path, tmp_path: Path) -> Path:
    """Return a copy of the run's photos, which a test may spoil."""
    return Path(shutil.copytree(shapes, tmp_path / "photos"))


def pointed(run: Run, root: Path) -> Run:
    """Let the run's record say that its photos are in `root`."""
    record = json.loads((run.path / layout.DATA).read_text())
    (run.path / layout.DATA).write_text(json.dumps({**record, "root": str(root)}))
    return Run.open(reseal(run.path))


def emptied(photos: Path, number: int) -> list[str]:
    names = sorted(path.relative_to(photos).as_posix() for path in (photos / "disc").iterdir())[:number]
    for name in names:
        (photos / name).write_bytes(b"")
    return names


def test_photos_left_out_are_told_everywhere(
    run: Run, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, out = emptied(photos, 14), tmp_path / "figures"
    assert main(["evaluate", str(run.path), "--data", str(photos), "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr()
    line = json.loads(printed.out.splitlines()[-1])
    told = json.loads((out / "metrics.json").read_text())
    assert line["account"] == told["account"]
    assert (line["n"], line["account"]["asked"], line["account"]["measured"]) == (46, 60, 46)
    assert line["account"]["left_out"] == [{"path": name, "reason": "empty file"} for name in names]
    assert line["account"]["reasons"] == {"empty file": 14}
    said = printed.err.splitlines()
    assert said[0].startswith(f"{run.path} on photos, 14 of 60 photos left out, ")
    assert said[0].endswith(": 46 photos, 3 classes")
    assert (
        f"60 photos asked for, 46 measured, 14 left out (14 empty file): {', '.join(names[:3])} and 11 more; "
        f"all of them are in {out / 'metrics.json'}"
    ) in said


def test_a_class_that_is_lost_is_in_the_headline(run: Run, photos: Path) -> None:
    emptied(photos, 20)
    found = evaluate_run(run, photos)
    assert found.account.lost_classes == ("disc",)
    assert ", 20 of 60 photos left out, no photo of disc" in str(found).splitlines()[0]
    assert "20 of 60 photos left out, no photo of disc" in found._repr_html_()


def test_names_are_text_in_a_notebook(run: Run, photos: Path) -> None:
    odd = photos.rename(photos.with_name("<b>photos"))
    (odd / "disc" / "<i>.jpg").write_bytes(b"")
    shown = evaluate_run(run, odd)._repr_html_()
    assert "&lt;b&gt;photos" in shown
    assert "disc/&lt;i&gt;.jpg" in shown
    assert not {"<b>", "<i>"} & set(re.findall("<.>", shown)) - {"<p>"}


def test_whole_sets_are_told_quietly(run: Run, photos: Path) -> None:
    for path in sorted(photos.glob("*/*"))[::2]:  # other photos than the run has, of the same classes
        Image.open(path).transpose(Image.Transpose.ROTATE_90).save(path, quality=90)
    for path in sorted(photos.glob("*/*"))[1::2]:
        path.unlink()
    found = evaluate_run(run, photos)
    assert str(found).startswith(f"{run.path} on photos: 30 photos, 3 classes\n")
    assert str(found).splitlines()[-2:] == [
        "30 photos asked for, all measured",
        "the run was trained on none of them",
    ]
    assert found.summary()["seen"] == {"train": 0, "validation": 0, "new": None}


def test_photos_that_the_run_was_trained_on_are_counted_and_set_apart(run: Run, shapes: Path) -> None:
    """The figures without them are those of the test split, which is what the run has not seen of these photos."""
    own = run.manifest()
    train, validation = (len(own.rows(split)) for split in ("train", "validation"))
    found, test = evaluate_run(run, shapes), evaluate_run(run, None, "test")
    assert found.seen is not None
    assert found.seen.new is not None
    assert (found.seen.train, found.seen.validation, found.account.seen) == (train, validation, train)
    assert found.seen.new.confusion.tolist() == test.metrics.confusion.tolist()
    assert found.seen.new.log_loss == pytest.approx(test.metrics.log_loss, abs=1e-6)
    assert f", {train + validation} of them known to the run: 60 photos" in str(found).splitlines()[0]
    ends = test.metrics.intervals["top1"]
    assert ends is not None
    assert (
        f"{train} of the 60 photos are among those that the run was trained on, {validation} among those that it was "
        f"chosen by: without them top-1 is {test.metrics.top1:.1%} (95 % interval {ends[0]:.1%} to {ends[1]:.1%}) on "
        f"{len(own.rows('test'))} photos"
    ) in str(found).splitlines()
    told = found.to_json()
    assert told["account"]["seen_in_training"] == train
    assert told["seen"]["new"]["top1"] == test.metrics.top1
    assert told["seen"]["new"]["n"] == len(own.rows("test"))


def test_where_nothing_is_new_the_figures_say_nothing(run: Run, shapes: Path, tmp_path: Path) -> None:
    for path in run.manifest().rows("train").paths:
        (tmp_path / "seen" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shapes / path, tmp_path / "seen" / path)
    found = evaluate_run(run, tmp_path / "seen")
    assert str(found).splitlines()[-1].endswith("and no other is left: these figures say nothing about new photos")
    assert found.summary()["seen"]["new"] is None


def test_photos_of_the_run_that_this_one_goes_on_from_are_known_too(
    run: Run, trained: Path, shapes: Path, tmp_path: Path
) -> None:
    record = json.loads((run.path / layout.CHOICES).read_text())
    parent = shutil.copytree(trained, tmp_path / "parent")
    kept = {"data_fingerprint": run.fingerprint, "classes_hash": run.classes.hash, "weights_sha256": run.weights_sha256}
    origin = {"path": str(parent), **kept, "origin": None}
    (run.path / layout.CHOICES).write_text(json.dumps({**record, "origin": origin}))
    reseal(run.path)
    with (parent / layout.SPLITS).open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["split"] = {"test": "train"}.get(row["split"], row["split"])
    with (parent / layout.SPLITS).open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    reseal(parent)
    test = evaluate_run(Run.open(run.path), None, "test")
    assert test.account.seen == test.metrics.n
    assert "and no other is left" in str(test)


def test_a_bundle_knows_no_photos_and_says_what_is_left_out(tmp_path: Path) -> None:
    for number, colour in enumerate([(0, 0, 255), (0, 255, 0)] * 3):
        target = tmp_path / "colours" / ("blue", "green")[number % 2] / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20 + number), colour).save(target)
    (tmp_path / "colours" / "blue" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = vft.evaluate(make_bundle(tmp_path / "bundle"), data=tmp_path / "colours")
    assert (
        str(found)
        .splitlines()[0]
        .endswith(" on colours, 1 of 7 photos left out: 6 photos, 3 classes, 1 of them without photos here")
    )
    assert (found.summary()["seen"], found.summary()["account"]["seen_in_training"]) == (None, None)
    assert str(found).splitlines()[-1].startswith("7 photos asked for, 6 measured, 1 left out (1 ")
    with pytest.raises(UsageError, match="is a bundle, which has no test photos of its own; leave --split out"):
        vft.evaluate(tmp_path / "bundle", data=tmp_path / "colours", split="test")


def test_splits_that_are_not_measured_are_told(run: Run, shapes: Path, tmp_path: Path) -> None:
    for side in ("train", "test"):
        shutil.copytree(shapes, tmp_path / "split" / side)
    found = evaluate_run(run, tmp_path / "split")
    note = f"note: {tmp_path / 'split'} brings splits: its test photos alone are measured on, not the 60 of train"
    assert note in str(found).splitlines()
    assert found.to_json()["notes"] == [note.removeprefix("note: ")]


def test_a_photo_that_changed_is_not_measured_as_what_it_was(run: Run, photos: Path) -> None:
    run = pointed(run, photos)
    first, second, *_ = run.manifest().rows("test").paths
    whole = evaluate_run(run, None, "test").metrics.n
    Image.new("RGB", (60, 60)).save(photos / first)
    (photos / second).unlink()
    found = evaluate_run(run, None, "test")
    assert [(item.path, item.reason) for item in found.account.left_out] == [
        (first, "changed since the run was made"),
        (second, "no such file"),
    ]
    assert (found.account.asked, found.metrics.n) == (whole, whole - 2)
    assert not {first, second} & set(found.predictions["path"].to_pylist())
    assert f", 2 of {whole} photos left out" in str(found).splitlines()[0]


def test_own_figures_tell_what_was_left_out_when_the_run_was_made(run: Run) -> None:
    record = json.loads((run.path / layout.DATA).read_text())
    (run.path / layout.DATA).write_text(
        json.dumps({**record, "quarantine": [{"path": "disc/broken.jpg", "reason": "empty file"}]})
    )
    reseal(run.path)
    found = evaluate_run(Run.open(run.path), None, "test")
    assert found.notes == (
        "when the run was made: 61 photos asked for, 60 measured, 1 left out (1 empty file): disc/broken.jpg",
    )


def test_photos_that_moved_give_the_figures_that_they_gave(
    run: Run, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, place = pointed(run, tmp_path / "gone"), tmp_path / "store"
    for number, path in enumerate(sorted(photos.glob("*/*"))):
        (place / str(number % 4)).mkdir(parents=True, exist_ok=True)
        path.rename(place / str(number % 4) / f"{number:02}.jpg")
    before = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())
    assert main(["evaluate", str(run.path), "--data", str(place), "--split", "test"]) == 0
    note = f"note: the run's photos were in {tmp_path / 'gone'}, and are read in {place}: the same by digest"
    assert note in capsys.readouterr().out.splitlines()
    after = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())
    changing = ("subject", "notes")
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }
    assert not (run.path / "evaluation" / "data-store").exists()


def test_figures_on_a_part_of_a_split_replace_none_on_more_of_it(run: Run, photos: Path, tmp_path: Path) -> None:
    """What is left of the test photos is measured beside the figures on all of them, which an export then tells."""
    folder, names = run.path / "evaluation", run.manifest().rows("test").paths
    run, whole = pointed(run, photos), (folder / "test" / "metrics.json").read_bytes()
    (photos / names[0]).unlink()
    partial = vft.evaluate(run)
    assert (folder / "test" / "metrics.json").read_bytes() == whole
    assert partial.written == folder / "test-partial"
    assert json.loads((partial.written / "metrics.json").read_text())["n"] == len(names) - 1
    note = f"these are fewer photos than the {len(names)} that the figures in {folder / 'test'} are of"
    assert f"note: {note}, so that those stay beside these" in str(partial).splitlines()
    (photos / names[1]).unlink()
    assert vft.evaluate(run, data=photos, split="test").metrics.n == len(names) - 2
    assert (folder / "test" / "metrics.json").read_bytes() == whole
    assert vft.evaluate(run, split="test", out=tmp_path / "out").written == tmp_path / "out"


def test_figures_on_a_part_are_replaced_by_those_on_more(run: Run, photos: Path) -> None:
    run, file = pointed(run, photos), run.path / "evaluation" / "test" / "metrics.json"
    name, *rest = run.manifest().rows("test").paths
    file.unlink()
    kept = (photos / name).read_bytes()
    (photos / name).unlink()
    assert vft.evaluate(run).written == file.parent
    assert json.loads(file.read_text())["n"] == len(rest)
    (photos / name).write_bytes(kept)
    assert vft.evaluate(run).written == file.parent
    assert json.loads(file.read_text())["n"] == len(rest) + 1


def test_the_card_says_which_figures_are_flattered(run: Run, shapes: Path, tmp_path: Path) -> None:
    found = vft.evaluate(run, data=shapes)
    assert found.seen is not None
    assert found.seen.new is not None
    own = run.manifest().rows("train").paths
    for path in own:
        (tmp_path / "seen" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shapes / path, tmp_path / "seen" / path)
    vft.evaluate(run, data=tmp_path / "seen")
    vft.export(run, tmp_path / "bundle", golden="none")
    lines = (tmp_path / "bundle" / "README.md").read_text().splitlines()
    line = next(line for line in lines if line.startswith("- data-shapes: "))
    told = f"photos 60, of these photos the run was trained on {found.seen.train} and chosen by {found.seen.validation}"
    assert f"{told}: without them top-1 {found.seen.new.top1:.4f}, " in line
    assert line.endswith(f"photos {found.seen.new.n}")
    line = next(line for line in lines if line.startswith("- data-seen: "))
    nothing = "and no other is left: these figures say nothing about new photos"
    assert line.endswith(f", of these photos the run was trained on {len(own)} and chosen by 0, {nothing}")
    assert not any("of these photos" in line for line in lines if line.startswith(("- test:", "- training")))


def test_export_of_photos_that_moved_needs_their_place(run: Run, tmp_path: Path) -> None:
    words = (
        r"none of the \d+ validation photos of the run is in .*gone as it was \(.* first: no such file\): bring the "
        "photos back, or name the place that they moved to with --data$"
    )
    with pytest.raises(DataError, match=words):
        vft.export(pointed(run, tmp_path / "gone"), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_export_at_another_place_leaves_changed_photos_out_and_names_none_in_the_bundle(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    run = pointed(run, tmp_path / "gone")
    first, *rest = run.manifest().rows("validation").paths
    Image.new("RGB", (60, 60)).save(photos / first)
    names = emptied(photos, 1)
    vft.evaluate(run, data=photos)
    exported = vft.export(run, tmp_path / "bundle", data=photos, golden="none")
    lost = [name for name in (first, *rest) if name in (first, *names)]
    assert exported.notes[0] == (
        f"the run's photos were in {tmp_path / 'gone'}, and are read in {photos}: the same by digest"
    )
    assert exported.notes[1].startswith(
        f"{len(rest) + 1} photos asked for, {exported.n} measured, {len(lost)} left out"
    )
    assert "1 changed since the run was made" in exported.notes[1]
    headline = f"bundle {tmp_path / 'bundle'} (opset {exported.opset}), {len(lost)} of {len(rest) + 1} photos left out"
    assert str(exported).startswith(f"{headline}: the same label")
    assert exported.n == len(rest) + 1 - len(lost)
    assert [item["path"] for item in exported.to_json()["account"]["left_out"]] == lost
    text = (tmp_path / "bundle" / "bundle.json").read_text()
    record = json.loads(text)
    assert record["provenance"]["data_fingerprint"] == run.fingerprint
    account = record["figures"]["data-photos"]["account"]
    assert (account["asked"], account["measured"], account["reasons"]) == (60, 59, {"empty file": 1})
    assert "left_out" not in account
    assert not re.search("|".join(names), text)
    assert "1 of 60 photos that were asked for are left out" in (tmp_path / "bundle" / "README.md").read_text()


def test_blend_of_photos_that_moved_needs_their_place(run: Run, shapes: Path, tmp_path: Path) -> None:
    whole, said = vft.blend(run, tmp_path / "whole", coefficients=[0.5], say=lambda _: None), list[str]()
    moved = pointed(run, tmp_path / "gone")
    with pytest.raises(
        DataError, match=r"none of the \d+ validation and train photos of the run is in .*gone as it was"
    ):
        vft.blend(moved, tmp_path / "blend", coefficients=[0.5])
    blended = vft.blend(moved, tmp_path / "blend", data=shapes, coefficients=[0.5], say=said.append)
    note = f"the run's photos were in {tmp_path / 'gone'}, and are read in {shapes}: the same by digest"
    assert said[0] == f"note: {note}"
    assert blended.result["val"] == whole.result["val"]
    assert blended.summary()["test_top1"] == whole.summary()["test_top1"]


def test_a_class_may_be_called_truth(tmp_path: Path) -> None:
    rows = Rows(Column(pa.array(["a", "b"])), np.array([0, 1]), Column(pa.array(["0", "1"])))
    measured = Measured("test", rows, tmp_path, Account(2, 2))
    logits = np.array([[1, 0], [1, 0]], np.float32)
    Evaluation.of(tmp_path, measured, Classes.of(["hat", "truth"]), logits).write(tmp_path)
    lines = (tmp_path / "confusion.csv").read_text().replace('"', "").splitlines()
    assert lines == ["truth,hat,truth", "hat,1,0", "truth,1,0"]


@pytest.mark.slow
def test_export_of_photos_that_moved_is_the_same_bundle(run: Run, shapes: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = vft.export(run, here)
    second = vft.export(pointed(run, tmp_path / "gone"), there, data=shapes)
    assert (second.n, second.agreement) == (first.n, first.agreement)
    for name in ("model.onnx", "golden/expected.json"):
        assert (here / name).read_bytes() == (there / name).read_bytes()


def test_comparing_skips_what_the_new_run_skipped(run: Run, trained: Path, photos: Path) -> None:
    run = pointed(run, photos)
    first, *rest = run.manifest().rows("test").paths
    (photos / first).unlink()
    compared = before_after(run, Run.open(trained), evaluate_run(run, None, "test"))
    assert compared is not None
    assert compared.n == len(rest)
    assert compared.before == compared.after == np.mean(evaluate_run(run, None, "test").predictions["correct"])
    assert compared.to_json()["account"]["left_out"] == [{"path": first, "reason": "no such file"}]
    assert (
        str(compared).splitlines()[-1].startswith(f"  {len(rest) + 1} photos asked for, {len(rest)} measured, 1 left")
    )


def test_figures_hold_no_formula_for_a_spreadsheet(tmp_path: Path) -> None:
    """A class called `=1+1` is `=1+1` to us, and text to whoever opens the tables."""
    for name in ("=1+1", "hat"):
        for number in range(8):
            target = tmp_path / "photos" / name / f"{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(number + 10 * (name == "hat")).integers(0, 255, (32, 32, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(target)
    machine = {"hardware.workers": 0, "hardware.threads": 1, "hardware.device": "cpu", "backbone": "visionft_pico"}
    run = vft.fit(tmp_path / "photos", out=tmp_path / "run", method="head", say=lambda _: None, **machine)
    assert list(run.classes) == ["=1+1", "hat"]
    assert set(run.manifest().table["label"].unique().to_pylist()) == {"=1+1", "hat"}
    found = vft.evaluate(run, data=tmp_path / "photos", out=tmp_path / "out")
    assert set(found.predictions["truth"].to_pylist()) == {"=1+1", "hat"}
    for table in (run.path / layout.SPLITS, tmp_path / "out" / "predictions.csv", tmp_path / "out" / "confusion.csv"):
        with table.open() as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert "'=1+1" in cells
        assert not [cell for cell in cells if cell.startswith("=")]
