"""`visionft.index` over bundles, adapters and runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import visionft as vft
from tests.bundle.making import make_adapted_bundle, make_bundle
from tests.searching.making import catalogue
from visionft.errors import RunError, SearchIndexError, UsageError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_bundle(tmp_path / "bundle")
    catalogue(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_index_of_a_folder_and_what_is_near(place: Path) -> None:
    made = vft.index("bundle", "photos")
    assert (made.path, made.photos, made.columns) == (Path("indexes/photos"), 20, ("path", "label", "split", "group"))
    found = vft.search(made.path, "photos/c2/3.png", top=5)
    assert [hit.path for hit in found[0].hits] == ["c2/3.png", *(hit.path for hit in found[0].hits[1:])]
    assert {hit.label for hit in found[0].hits} == {"c2"}
    assert found[0].hits[0].score == pytest.approx(1, abs=1e-6)
    assert (found[0].known, found.threshold) == (None, None)


def test_another_bundle_is_refused(place: Path) -> None:
    vft.index("bundle", "photos", out="i")
    make_bundle(place / "other", slow=1)
    with pytest.raises(SearchIndexError, match=r"and the bundle .*/other .* embeds photos otherwise: give the one"):
        vft.index("other", "photos", out="i")
    with pytest.raises(SearchIndexError, match="embeds photos otherwise"):
        vft.search("i", "photos/c0/0.png", model="other")


def test_each_adapter_has_an_index_of_its_own(place: Path) -> None:
    make_adapted_bundle(place / "adapted")
    with pytest.raises(UsageError, match="answers through adapters and none was named"):
        vft.index("adapted", "photos", out="i")
    assert not (place / "i").exists()
    vft.index("adapted", "photos", out="i", adapter="two")
    assert vft.search("i", "photos/c0/0.png")[0].hits[0].path == "c0/0.png"
    with pytest.raises(SearchIndexError, match=r"adapter two.*adapter three. embeds photos otherwise"):
        vft.index("adapted", "photos", out="i", adapter="three")


def test_a_run_makes_an_index_too(place: Path, trained: Path, shapes: Path) -> None:
    made = vft.index(trained, shapes, out="i")
    assert (made.photos, made.threshold is not None) == (60, True)
    disc = shapes / "disc" / "03.jpg"
    found = vft.search("i", disc, top=3)
    assert found[0].hits[0].path == "disc/03.jpg"
    assert found[0].hits[0].score == pytest.approx(1, abs=1e-5)
    assert vft.index(vft.Run.open(trained), shapes, out="i").unchanged == 60
    with pytest.raises(UsageError, match="is a run, which answers by itself"):
        vft.index(trained, shapes, out="i", adapter="x")
    with pytest.raises(RunError, match="there is no run or bundle at nowhere"):
        vft.index("nowhere", shapes, out="i")


@pytest.mark.parametrize(("flags", "told"), [
    ({"epochs": 3}, "an index has no setting 'epochs'; it has data.inside, "),
    ({"data": {"dept": 1}}, "an index has no setting 'data.dept'; did you mean 'data.depth'"),
    ({"data.validation": 0.1}, "an index has no setting 'data.validation'"),
])  # fmt: skip
def test_a_setting_without_effect_is_refused(place: Path, flags: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        vft.index("bundle", "photos", **flags)
    assert vft.index("bundle", "photos", data={"depth": 1}).photos == 20
