"""What was read off a folder is settled with the run: written with reasons, and read the same again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import visionft as vft
from tests.resealing import reseal
from visionft.errors import RunMismatchError
from visionft.planning import resume
from visionft.runs import Run, layout
from visionft.settings import FitSettings, build
from visionft.training import train

Make = Callable[..., FitSettings]


def silent(_: str) -> None: ...


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Return 3 kinds of 8 products of 2 photos, in one folder around everything."""
    random, root = np.random.default_rng(0), tmp_path / "shop"
    for kind in ("hat", "coat", "shoe"):
        for product in range(8):
            for view in range(2):
                path = root / "photos" / kind / f"{kind}-{product:02}" / f"{view}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    return root


def choices(run: Run) -> dict[str, tuple[object, str]]:
    record = json.loads((run.path / layout.CHOICES).read_text())
    return {choice["setting"]: (choice["value"], choice["reason"]) for choice in record["choices"]}


def test_products_are_settled_with_their_reason_and_every_later_command_reads_them(
    settings: Make, catalogue: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    wanted = settings(epochs=1).model_copy(update={"photos": catalogue})
    run = train(wanted, lines.append)
    assert list(run.classes) == ["coat", "hat", "shoe"]
    told = "\n".join(lines)
    assert "read as: class folders in photos/, no splits, 3 classes with 24 products (coat/coat-00 is a" in told
    assert "24 products: the photos of one stay together" in told
    data = run.settings.data
    assert (str(data.inside), data.layout, data.depth, data.group_by) == ("photos", "classes", 1, "parent")
    assert choices(run)["data.depth"] == (1, "24 folders under 3, of about 2 photos each, are products")
    assert choices(run)["data.inside"] == ("photos", "it is all that the folder holds")

    # The same command, the resolved settings, and other photos are read as the run was.
    assert train(wanted, silent).path == run.path
    again = build(config=run.path / layout.SETTINGS, out=str(tmp_path / "again"))
    assert train(again, silent).fingerprint == run.fingerprint
    few = tmp_path / "few" / "hat" / "new-product"
    few.mkdir(parents=True)
    (few / "a.png").write_bytes((catalogue / "photos/hat/hat-00/0.png").read_bytes())
    assert vft.evaluate(run, data=few.parents[1]).metrics.n == 1


def test_splits_are_settled_and_other_photos_may_have_none(settings: Make, shapes: Path, tmp_path: Path) -> None:
    root = tmp_path / "sided"
    for side in ("Training", "Testing"):
        for kind in ("disc", "square"):
            (root / side / kind).mkdir(parents=True)
            for number in range(8):
                name = f"{number + 8 * (side == 'Testing'):02}.jpg"
                (root / side / kind / name).write_bytes((shapes / kind / name).read_bytes())
    run = train(settings(epochs=1).model_copy(update={"photos": root}), silent)
    assert list(run.classes) == ["disc", "square"]
    assert run.has_split("test")
    assert choices(run)["data.layout"] == ("splits", "Testing/ and Training/ hold the same folders")
    assert vft.evaluate(run, data=root / "Testing").metrics.n == 16
    assert vft.evaluate(run, data=root).metrics.n == 16  # its test side


def test_a_begun_run_reads_as_it_settled_and_a_flag_wins_to_be_refused_by_name(settings: Make) -> None:
    run = train(settings(epochs=1), silent)
    read = resume.reading_of(run.path, settings(epochs=1))
    assert (read.inside, read.layout, read.depth, read.group_by) == (None, "classes", None, "none")
    assert resume.reading_of(run.path, settings(**{"data.depth": 2})).depth == 2
    assert resume.reading_of(run.path / "nowhere", settings()).depth == "auto"
    with pytest.raises(RunMismatchError, match=r"data\.depth was auto, is 1"):
        train(settings(epochs=1, **{"data.depth": 1}), silent)


def test_a_run_from_before_reading_was_settled_goes_on(settings: Make) -> None:
    run = train(settings(epochs=1), silent)
    record = json.loads((run.path / layout.CHOICES).read_text())
    tree = yaml.safe_load((run.path / layout.SETTINGS).read_text())
    for data in (record["requested"]["data"], tree["data"]):
        del data["inside"]
        data.update(layout="auto", depth=None, group_by=None)
    (run.path / layout.CHOICES).write_text(json.dumps(record))
    (run.path / layout.SETTINGS).write_text(yaml.safe_dump(tree))
    reseal(run.path)
    old = Run.open(run.path).settings.data
    assert (old.inside, old.layout, old.depth, old.group_by) == (None, "auto", None, "auto")
    assert train(settings(epochs=1), silent).path == run.path
