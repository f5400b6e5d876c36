"""A CSV of child,parent makes paths of labels; what is no tree is one sentence."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from visionft.data.sources.listing import Listing
from visionft.data.taxonomy import placed, read_taxonomy
from visionft.errors import DataError


def written(folder: Path, *lines: str) -> Path:
    place = folder / "tree.csv"
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place


def listed(*labels: str) -> Listing:
    table = pa.table({"path": [f"{at}.jpg" for at in range(len(labels))], "label": pa.chunked_array([list(labels)])})
    return Listing(Path(), table, ())


def test_every_node_gets_its_path(tmp_path: Path) -> None:
    file = written(tmp_path, "Parent,Child,note", "Apple, Gala ,red", "Fruit,Apple,", ",Fruit,", "Leek,Long Leek,")
    assert read_taxonomy(file) == {
        "Gala": "Fruit/Apple/Gala", "Apple": "Fruit/Apple", "Fruit": "Fruit", "Long Leek": "Leek/Long Leek",
        "Leek": "Leek",
    }  # fmt: skip


def test_labels_become_paths_and_paths_stay(tmp_path: Path) -> None:
    file = written(tmp_path, "child,parent", "Gala,Apple", "Apple,Fruit", "Cafe\u0301,Fruit")
    found = placed(listed("Gala", "Fruit", "Fruit/Apple", "Gala", "Caf\u00e9"), file, None)
    labels = found.table["label"].to_pylist()
    assert labels == ["Fruit/Apple/Gala", "Fruit", "Fruit/Apple", "Fruit/Apple/Gala", "Fruit/Caf\u00e9"]
    assert placed(listed("Old/Name"), tmp_path / "gone.csv", ["Old/Name"]).table["label"].to_pylist() == ["Old/Name"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "is empty: give it a header child,parent"),
        (("name,parent", "a,b"), "has the columns name and parent: give it a header child,parent"),
        (("child,parent",), "has no line below its header"),
        (("child,parent", "a,b", "a,c"), r"gives 'a' the parents 'b' and 'c' \(line 3\): a taxonomy is a tree"),
        (("child,parent", "a,b", "b,c", "c,a"), "has 'a' below itself .a in b in c.: mend one of these lines"),
        (("child,parent", "a,a"), "has 'a' below itself"),
        (("child,parent", "a/b,c"), "line 2 of the taxonomy .* has the name 'a/b', with a '/'"),
        (("child,parent", ",c"), "line 2 of the taxonomy .* has no child"),
        (("child,parent", 'a,"b'), "cannot be read as CSV in UTF-8"),
    ],
)
def test_what_is_no_tree_is_one_sentence(tmp_path: Path, lines: tuple[str, ...], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_taxonomy(written(tmp_path, *lines))


def test_a_bundle_without_the_file_places_what_it_knows(tmp_path: Path) -> None:
    known = ["Fruit", "Fruit/Apple", "Fruit/Apple/Gala", "Juice", "Juice/Apple"]
    gone = tmp_path / "gone.csv"
    assert placed(listed("Gala", "Fruit"), gone, known).table["label"].to_pylist() == ["Fruit/Apple/Gala", "Fruit"]
    with pytest.raises(DataError, match=r"the taxonomy .*gone.csv cannot be read"):
        placed(listed("Gala", "Apple"), gone, known)  # which of two


def test_a_missing_file_and_a_strange_label_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the taxonomy .*none.csv cannot be read \(.*\): give a CSV with the columns"):
        read_taxonomy(tmp_path / "none.csv")
    file = written(tmp_path, "child,parent", "Gala,Apple")
    with pytest.raises(
        DataError, match=r"label 'Gale' is no node of the taxonomy .* 2 nodes; did you mean 'Gala'\?: add"
    ):
        placed(listed("Gala", "Gale"), file, None)
