"""The tree of folders that one walk finds, with the files in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from visionft.data.sources.structure import folder_tree
from visionft.data.sources.structure.folder_tree import read_tree

Tree = Callable[[Iterable[str]], Path]


def test_each_folder_counts_its_photos_and_those_below(bare: Tree) -> None:
    tree = read_tree(bare(["hat/a.jpg", "hat/red/b.JPG", "hat/red/notes.md", "shoe/", "LICENSE"]))
    assert [(node.path, node.files, node.photos, node.total) for node in tree.nodes] == [
        ("", 1, 0, 2), ("hat", 1, 1, 2), ("hat/red", 2, 1, 1), ("shoe", 0, 0, 0),
    ]  # fmt: skip
    assert [node.path for node in tree.top.bearing] == ["hat"]
    assert [node.path for node in tree.top.below()] == ["", "hat", "hat/red", "shoe"]
    assert (tree.nodes[2].name, tree.top.name) == ("red", "")


def test_files_come_with_the_index_of_their_folder(bare: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_tree, "CHUNK", 2)  # more than one piece of a column
    tree = read_tree(bare([f"hat/{n}.jpg" for n in range(3)] + ["shoe/x.jpg"]))
    found = [
        (tree.nodes[at].path, name) for at, name in zip(tree.places.to_pylist(), tree.names.to_pylist(), strict=True)
    ]
    assert found == [("hat", "0.jpg"), ("hat", "1.jpg"), ("hat", "2.jpg"), ("shoe", "x.jpg")]
    assert tree.names.num_chunks > 1


def test_where_no_file_ends_like_a_photo_all_may_be_some(bare: Tree) -> None:
    tree = read_tree(bare(["hat/a", "hat/b", "shoe/c.raw"]))
    assert [node.total for node in tree.nodes] == [3, 2, 1]


def test_a_folder_is_found_by_its_path(bare: Tree) -> None:
    tree = read_tree(bare(["hat/red/a.jpg"]))
    assert tree.node("") is tree.node(".") is tree.top
    for path in ("hat/red", "./hat//red/"):
        found = tree.node(path)
        assert found is not None
        assert found.path == "hat/red"
    assert tree.node("hat/blue") is None
