"""Pushing and what is refused before the hub is asked; a bundle and a run used from there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import visionft
from tests.bundle.making import make_bundle
from tests.hub_server import Hub
from visionft.errors import BundleError, HubError, RunError, UsageError
from visionft.files import digests
from visionft.runs import layout


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    made = make_bundle(tmp_path / "bundle")
    digests.seal(made)
    return made


def quiet(_: str) -> None:
    return None


def test_a_bundle_answers_from_the_hub_as_it_does_here(hub: Hub, bundle: Path, shapes: Path) -> None:
    pushed = visionft.push(bundle, "me/goods", say=quiet)
    assert pushed.kind == "bundle"
    photos = [shapes / "disc" / "00.jpg", shapes / "square" / "01.jpg"]
    there, here = visionft.predict("hf://me/goods", photos), visionft.predict(bundle, photos)
    assert [row.probabilities.tolist() for row in there] == [row.probabilities.tolist() for row in here]
    assert visionft.check("hf://me/goods").whole


@pytest.mark.slow
def test_a_run_goes_on_from_the_hub_as_it_does_here(
    hub: Hub, trained: Path, shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    visionft.push(trained, "me/first", say=quiet)
    photo = shapes / "disc" / "00.jpg"
    [there], [here] = visionft.predict("hf://me/first", photo), visionft.predict(trained, photo)
    assert there.probabilities.tolist() == here.probabilities.tolist()
    flags = {name: value for name, value in small.items() if name not in ("backbone", "weights")}
    said: list[str] = []
    run = visionft.fit(shapes, from_run="hf://me/first", out=tmp_path / "second", say=said.append, **flags)
    near = visionft.fit(shapes, from_run=trained, out=tmp_path / "third", say=quiet, **flags)
    assert run.weights_sha256 == near.weights_sha256
    assert run.origin is not None
    assert run.origin["weights_sha256"] == visionft.Run.open(trained).weights_sha256
    again = visionft.fit(shapes, from_run="hf://me/first", out=tmp_path / "second", say=said.append, **flags)
    assert any("is finished already" in line for line in said)
    assert again.path == run.path


def test_nothing_is_asked_of_the_hub_for_what_is_wrong_here(
    hub: Hub, bundle: Path, trained: Path, tmp_path: Path
) -> None:
    damaged = shutil.copytree(trained, tmp_path / "damaged")
    (damaged / layout.SPLITS).write_text("")
    unfinished = shutil.copytree(trained, tmp_path / "unfinished")
    (unfinished / layout.RESULT).unlink()
    (bundle / "README.md").write_text("a card that nobody wrote down")
    refusals: list[tuple[Any, str, type[Exception], str]] = [
        (trained, "goods", UsageError, "'goods' is no model's name on the hub; give OWNER/NAME"),
        (tmp_path / "none", "me/x", RunError, "there is no run or bundle at .*none; give the folder that"),
        ("hf://me/y", "me/x", UsageError, "hf://me/y is on the hub already; give the folder of a run or a bundle"),
        (
            damaged,
            "me/x",
            RunError,
            r"damaged is not as it was written \(splits\.csv: 0 bytes, .*\), so it is not pushed",
        ),
        (unfinished, "me/x", RunError, "the run .*unfinished is not finished; run the same `visionft fit` again"),
    ]
    for place, name, kind, words in refusals:
        with pytest.raises(kind, match=words):
            visionft.push(place, name)
    (bundle / "golden").mkdir()
    (bundle / "golden" / "a.png").write_bytes(b"x")
    with pytest.raises(
        BundleError, match=r"bundle is not as it was written \(golden/a\.png: digests\.json does not list"
    ):
        visionft.push(bundle, "me/x")
    with pytest.raises(UsageError, match="--pictures: 'some' is not known here; give none or all"):
        visionft.push(trained, "me/x", pictures="some")  # type: ignore[arg-type]
    assert hub.asked == []


def test_what_is_not_there_is_one_sentence(hub: Hub) -> None:
    with pytest.raises(HubError, match="hf://me/none: the hub has no such repository, or it is private"):
        visionft.predict("hf://me/none", "a.jpg")
