"""`visionft.duplicates` and its command: what is asked, refused and written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import visionft as vft
from tests.searching.making import catalogue, indexed, listed
from visionft.cli import main
from visionft.errors import SearchIndexError, UsageError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    indexed(tmp_path / "index", listed(catalogue(tmp_path / "photos")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_pairs_of_two_products_under_a_condition(place: Path) -> None:
    found = vft.duplicates("index", per_product=True, where="label <> 'c3'")
    assert (found.photos, found.per_product) == (15, True)
    assert {(pair.first.label, pair.second.label) for pair in found.look_alikes} == {
        ("c0", "c1"), ("c0", "c2"), ("c1", "c2"),
    }  # fmt: skip


def test_the_command_tells_writes_and_goes_on(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["duplicates", "index", "--above", "0.99", "--top", "99", "--out", "pairs.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(told["look_alikes"]) == 40
    assert len((place / "pairs.csv").read_text().splitlines()) == 41
    assert main(["duplicates", "index"]) == 0
    assert capsys.readouterr().out.endswith("Next: visionft duplicates index --out duplicates.csv\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("duplicates nowhere", "there is no index at nowhere; make one with `visionft index"),
        ("duplicates index --above 2", "--above: 2 is no cosine; give a number from -1 to 1"),
        ("duplicates index --top 0", "--top: 0 is less than 1; give the number of pairs"),
        ("duplicates index --where colour=1", "--where: there is no column 'colour'"),
        ("duplicates index --out nowhere/pairs.csv", "--out: nowhere/pairs.csv is in no folder that there is"),
        ("duplicates index --out photos", "--out: photos is a folder; give a CSV file"),
    ],
)
def test_wrong_calls_are_one_sentence(
    place: Path, words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) in (1, 2)
    assert capsys.readouterr().err.startswith(f"visionft: {sentence}")


def test_values_without_meaning_are_refused(place: Path) -> None:
    with pytest.raises(UsageError, match=r"^above is 1\.5: give a cosine from -1 to 1$"):
        vft.duplicates("index", above=1.5)
    with pytest.raises(UsageError, match=r"^top is 0: give the number of pairs, from 1 up$"):
        vft.duplicates("index", top=0)
    assert len(vft.duplicates("index", top=7).look_alikes) == 7
    with pytest.raises(SearchIndexError, match="there is no index at nowhere"):
        vft.duplicates("nowhere")
    indexed(place / "plain", listed(place / "photos", labelled=False))
    with pytest.raises(UsageError, match=r"^--per-product: no photo of the index plain has a product"):
        vft.duplicates("plain", per_product=True)
