"""What is pushed: files as they lie, records without paths, a card, and digests that fit all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bundle.making import make_bundle
from visionft.bundle import Bundle
from visionft.errors import BundleError
from visionft.files import digests, verify_digests
from visionft.runs import Run, layout
from visionft.sharing.staged import Staged, of_bundle, of_run


def laid(staged: Staged, folder: Path) -> Path:
    """Write what was staged into a folder."""
    for name, given in staged.contents.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(given if isinstance(given, bytes) else given.read_bytes())
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    made = make_bundle(tmp_path / "bundle")
    (made / "golden").mkdir()
    (made / "golden" / "00.png").write_bytes(b"a photo")
    record = json.loads((made / "bundle.json").read_text())
    (made / "bundle.json").write_text(json.dumps(record | {"golden": {"kind": "photos", "n": 1}}))
    digests.seal(made)
    return Bundle.open(made)


def test_a_bundle_without_its_photos_is_whole(bundle: Bundle, tmp_path: Path) -> None:
    place = laid(of_bundle(bundle, "me/goods", "none"), tmp_path / "there")
    assert verify_digests.compare(place, "bundle", foreign=True).whole
    assert not (place / "golden").exists()
    found = Bundle.open(place).record
    assert (found.golden.kind, found.golden.n) == ("none", 0)
    assert found.model_copy(update={"golden": bundle.record.golden}) == bundle.record
    assert "Golden vectors: left out, since the photos are private." in (place / "README.md").read_text()


def test_a_bundle_with_its_photos_has_them(bundle: Bundle, tmp_path: Path) -> None:
    staged = of_bundle(bundle, "me/goods", "all")
    place = laid(staged, tmp_path / "there")
    assert verify_digests.compare(place, "bundle", foreign=True).whole
    assert (place / "golden" / "00.png").read_bytes() == b"a photo"
    assert (place / "bundle.json").read_bytes() == (bundle.path / "bundle.json").read_bytes()
    assert staged.size == sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def test_a_run_is_whole_and_knows_no_folder_of_this_machine(trained: Path, shapes: Path, tmp_path: Path) -> None:
    place = laid(of_run(Run.open(trained), "me/run", "none"), tmp_path / "there")
    assert verify_digests.compare(place, "run", foreign=True).whole
    for path in place.rglob("*"):
        if path.suffix in (".json", ".yaml", ".csv", ".md"):
            assert str(shapes.parent) not in path.read_text(), path.name
            assert str(trained.parent) not in path.read_text(), path.name
    run = Run.open(place)
    assert run.settings.optim == Run.open(trained).settings.optim
    assert run.summary()["test_top1"] == Run.open(trained).summary()["test_top1"]
    assert run.manifest().table.equals(Run.open(trained).manifest().table)
    assert run.weights_sha256 == Run.open(trained).weights_sha256
    assert not (place / layout.REPORT).exists()


def test_what_has_no_digests_is_refused(tmp_path: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "b"))
    with pytest.raises(
        BundleError, match=r"cannot be pushed: its digests\.json cannot be used \(it is missing\), so that"
    ):
        of_bundle(bundle, "me/goods", "none")
