"""`visionft.search`: hits, conditions, products, what is not there, and which model answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visionft as vft
from tests.bundle.making import make_bundle
from tests.searching.making import catalogue, photo
from visionft.errors import DataError, SearchIndexError, UsageError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_bundle(tmp_path / "bundle")
    catalogue(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_manifest(place: Path) -> Path:
    rows = ["path,label,group,colour,price,Group,photo_number,COLOUR"]
    for number, path in enumerate(sorted((place / "photos").rglob("*.png"))):
        name = path.relative_to(place).as_posix()
        rows.append(f"{name},{path.parent.name},sku{number % 10},{'red' if number < 10 else 'blue'},{number},x,y,z")
    (place / "m.csv").write_text("\n".join(rows) + "\n")
    return place / "m.csv"


def test_the_scores_are_those_of_the_embeddings_that_the_bundle_answers(place: Path) -> None:
    from visionft.serving import Session

    vft.index("bundle", "photos", out="i")
    session = Session("bundle")
    embed = lambda path: session.answer(np.asarray(Image.open(path))).embedding  # noqa: E731
    paths = sorted(Path("photos").rglob("*.png"))
    scores = {path.relative_to("photos").as_posix(): float(embed(path) @ embed(paths[7])) for path in paths}
    found = vft.search("i", paths[7], top=20)
    assert {hit.path: hit.score for hit in found[0].hits} == pytest.approx(scores, abs=1e-5)


def test_columns_with_the_names_of_a_hit_s_own_are_left_out_and_that_is_said(place: Path) -> None:
    rows = [f"{path.relative_to(place)},x,9,y" for path in sorted((place / "photos").rglob("*.png"))]
    (place / "m.csv").write_text("\n".join(["path,label,score,Picture", *rows]) + "\n")
    made = vft.index("bundle", "m.csv", out="i")
    assert [note for note in made.notes if "score" in note or "Picture" in note] == [
        "the column 'score' is left out, as it has the name of a hit's own score",
        "the column 'Picture' is left out, as it has the name of a hit's own picture",
    ]
    assert vft.search("i", "photos/c0/0.png", top=1).to_json()["queries"][0]["hits"][0]["score"] == pytest.approx(1)


def test_columns_of_a_manifest_can_be_asked_for(place: Path) -> None:
    made = vft.index("bundle", write_manifest(place), out="i")
    assert made.columns == ("path", "label", "split", "group", "colour", "price")
    assert made.notes == (
        "the column 'Group' is left out, as it has the name of the index's own group",
        "the column 'photo_number' is left out, as it has the name of the index's own photo_number",
        "the column 'COLOUR' is left out, as it has the name of another, 'colour'",
    )
    found = vft.search("i", "photos/c3/0.png", where="price < 9 AND colour = 'red'", top=20)
    assert [hit.columns["price"] for hit in found[0].hits] == sorted(range(9), reverse=True)
    found = vft.search("i", "photos/c3/0.png", where="group = 'sku3'", per_product=True)
    assert [hit.group for hit in found[0].hits] == ["sku3"]
    with pytest.raises(UsageError, match="there is no column 'colr'; did you mean 'colour'"):
        vft.search("i", "photos/c3/0.png", where="colr = 'red'")


def test_what_is_not_in_the_catalogue_is_said(place: Path) -> None:
    made = vft.index("bundle", "photos", out="i")
    assert made.threshold is not None
    photo(place / "strange.png", (3, 3, 250))
    found = vft.search("i", ["strange.png", "photos/c0/0.png"], none_below="auto", per_product=True)
    assert [(row.known, len(row.hits)) for row in found] == [(False, 0), (True, 1)]
    assert (found.threshold, found.fitted) == (made.threshold.value, made.threshold)
    assert "strange.png  not in the catalogue (the nearest has " in str(found)
    found = vft.search("i", "strange.png", none_below=-1)
    assert (found[0].known, len(found[0].hits), found.fitted) == (True, 10, None)


def test_without_labels_auto_is_refused_and_so_are_products(place: Path) -> None:
    flat = place / "flat"
    for number in range(3):
        photo(flat / f"{number}.png", (200, number, 3))
    made = vft.index("bundle", flat, out="i")
    assert made.unfitted == "no photo of the index has a product or class to fit a threshold from"
    with pytest.raises(SearchIndexError) as caught:
        vft.search("i", "flat/1.png", none_below="auto")
    assert str(caught.value) == (
        "the index i has no threshold for --none-below auto (no photo of the index has a product or class to fit a "
        "threshold from); give a cosine, such as 0.5"
    )
    with pytest.raises(UsageError, match=r"no photo of the index i has a product .group. or a class; leave it out"):
        vft.search("i", "flat/1.png", per_product=True)
    assert len(vft.search("i", "flat/1.png")[0].hits) == 3


def test_queries_of_every_kind_keep_their_places(place: Path) -> None:
    vft.index("bundle", "photos", out="i")
    (place / "empty.jpg").touch()
    asked = ["photos/c1/0.png", "empty.jpg", "nowhere.jpg", Image.new("RGB", (5, 5), (250, 9, 9)), "photos/c0"]
    found = vft.search("i", asked, top=1)
    assert [row.problem for row in found][:4] == [None, "empty file", "no such file", None]
    assert [row.hits[0].label for row in found if row.hits] == ["c1", "c0", *["c0"] * 5]
    with pytest.raises(DataError):
        vft.search("i", "nowhere.jpg")


def test_a_model_that_moved_is_named_or_found_as_far_from_the_index_as_before(place: Path) -> None:
    shutil.copytree("bundle", "one/bundle")
    vft.index("one/bundle", "photos", out="one/indexes/i")
    shutil.move("one", "other")
    assert vft.search("other/indexes/i", "photos/c0/0.png")[0].hits
    shutil.move("other/bundle", "elsewhere")
    with pytest.raises(SearchIndexError, match="is not there any more; say where it is now with --model BUNDLE"):
        vft.search("other/indexes/i", "photos/c0/0.png")
    assert vft.search("other/indexes/i", "photos/c0/0.png", model="elsewhere")[0].hits


@pytest.mark.parametrize(("flags", "told"), [
    ({"top": 0}, "top is 0: give the number of hits for each photo, from 1 up"),
    ({"none_below": 1.5}, "none_below is 1.5: give a cosine from -1 to 1, or auto"),
    ({"none_below": float("nan")}, "none_below is nan: give a cosine from -1 to 1, or auto"),
    ({"none_below": "some"}, "none_below is some: give a cosine from -1 to 1, or auto"),
    ({"where": ""}, "--where: the condition is empty"),
])  # fmt: skip
def test_values_out_of_range_are_refused(place: Path, flags: dict[str, object], told: str) -> None:
    vft.index("bundle", "photos", out="i")
    with pytest.raises(UsageError, match=told):
        vft.search("i", "photos/c0/0.png", **flags)  # type: ignore[arg-type]


def test_a_search_with_a_bundle_needs_neither_torch_nor_usearch(place: Path) -> None:
    vft.index("bundle", "photos", out="i")
    code = (
        "import sys; sys.modules['torch'] = sys.modules['usearch'] = None\n"
        "import visionft; print(visionft.search('i', 'photos/c0/0.png', where=\"label = 'c0'\")[0].hits[0].path)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("c0/0.png\n", "")
