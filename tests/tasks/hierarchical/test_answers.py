"""Answers as rows: the deepest node that is sure enough, the best leaf beside it, and another confidence afterwards."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import visionft as vft
from visionft.bundle.prediction_rows import Unanswered
from visionft.errors import UsageError
from visionft.tasks.hierarchical.answers import ANSWERS, UNSURE, NodeAnswer, NodePredictions
from visionft.tasks.hierarchical.taxonomy_tree import ROOT, tree_of

NAMES = ("a", "a/x", "a/y", "b")  # leaves a/x, a/y and b


def answer(chosen: int, *leaves: float) -> NodeAnswer:
    tree, p = tree_of(NAMES), np.array(leaves, np.float32)
    nodes = p @ tree.above
    name, probability = ("", 1.0) if chosen == ROOT else (NAMES[chosen], float(nodes[chosen]))
    return NodeAnswer(name, chosen, probability, p, nodes, np.log(p), np.ones(4, np.float32) / 2)


GIVEN = (answer(1, 0.9, 0.06, 0.04), answer(0, 0.5, 0.4, 0.1), answer(ROOT, 0.3, 0.2, 0.5))


@pytest.fixture
def found() -> NodePredictions:
    rows = tuple(ANSWERS.row(f"{at}.jpg", one) for at, one in enumerate(GIVEN))
    table = ANSWERS.predictions((*rows, Unanswered("gone.jpg", "no such file")), NAMES)
    assert isinstance(table, NodePredictions)
    return table


def test_rows_tell_the_level_and_the_best_leaf(found: NodePredictions) -> None:
    assert [(row["label"], row["level"], row["leaf"]) for row in found.to_rows()] == [
        ("a/x", 2, "a/x"), ("a", 1, "a/x"), (None, 0, "b"), (None, None, None),
    ]  # fmt: skip
    assert str(found).splitlines()[:4] == [
        "0.jpg  a/x  90.0%", "1.jpg  a  90.0%; at best a/x  50.0%", f"2.jpg  {UNSURE}; at best b  50.0%",
        "gone.jpg  not read: no such file",
    ]  # fmt: skip
    assert [len(found.best(row)) for row in found] == [1, 1, 0, 0]
    assert f"<td>{UNSURE}</td>" in found._repr_html_()


def test_another_confidence_is_chosen_afterwards(found: NodePredictions) -> None:
    bold, shy = (found.with_min_confidence(confidence) for confidence in (0.501, 0.95))
    assert [row.label for row in bold] == ["a/x", "a", None, None]
    assert [(row.label, row.level) for row in shy[:2]] == [("a", 1), (None, 0)]
    assert shy[1].probability == 1
    assert shy[3].problem == "no such file"
    for wrong in (0.5, 1.01):
        with pytest.raises(UsageError, match=r"give a probability above 0\.5, as two nodes side by side cannot both"):
            found.with_min_confidence(wrong)


def test_the_longer_formats_have_every_node(found: NodePredictions, tmp_path: Path) -> None:
    found.write(tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table["node_probabilities"][0].as_py() == pytest.approx(GIVEN[0].node_probabilities.tolist())
    assert json.loads(table.schema.metadata[b"classes"]) == list(NAMES)
    found.write(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[3].startswith("2.jpg,,0,1.0,b,0.5")


def test_the_table_knows_how_many_are_leaves() -> None:
    rows = {row.name: row.shape for row in ANSWERS.tensors_of(NAMES, 8)}
    assert list(rows)[1:] == list(ANSWERS.outputs)
    assert (rows["probabilities"], rows["node_probabilities"], rows["logits"]) == (("N", 3), ("N", 4), ("N", 3))
    assert {row.name: row.shape for row in ANSWERS.tensors(4, 8)}["logits"] == ("N", "L")


def test_a_server_tells_the_node_and_the_best_leaves() -> None:
    told = ANSWERS.plain(GIVEN[1], NAMES, 2)
    assert (told["label"], told["chosen"], told["level"]) == ("a", 0, 1)
    assert [row["label"] for row in told["top"]] == ["a/x", "a/y"]
    assert ANSWERS.plain(GIVEN[2], NAMES, 1)["label"] is None


def test_an_answer_fits_its_own_names_alone() -> None:
    assert all(ANSWERS.fits(one, NAMES) for one in GIVEN)
    assert not ANSWERS.fits(GIVEN[0], ("a", "a/w", "a/y", "b"))
    assert not ANSWERS.fits(GIVEN[2], NAMES[:3])
    assert not ANSWERS.fits(replace(GIVEN[0], chosen=len(NAMES)), NAMES)
    assert not ANSWERS.fits(GIVEN[0], NAMES[:1])  # fewer names than its place


def test_answers_are_compared_on_the_leaves() -> None:
    told = [ANSWERS.told(one, NAMES) for one in GIVEN]
    assert told[0].probabilities.tolist() == pytest.approx([0, 0.9, 0.06, 0.04])
    assert [(one.label, one.unknown) for one in told] == [("a/x", False), ("a", False), (UNSURE, True)]
    assert [ANSWERS.right(label, "a/x") for label in ("a", "a/x", "a/y", "b", UNSURE)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert not ANSWERS.right("a", "ab/x")
    assert ANSWERS.right("a/x", "a") is None  # of a photo in the folder of the parent nobody knows
    assert ANSWERS.right("ab", "a") is False


@pytest.mark.slow
def test_two_bundles_are_compared_by_what_they_serve(bundle: Path, shapes: Path, tmp_path: Path) -> None:
    for kind, place in (("disc", "round/disc"), ("square", "straight")):
        (tmp_path / place).mkdir(parents=True)
        shutil.copy(shapes / kind / "19.jpg", tmp_path / place)
    found = vft.compare(bundle, bundle, data=tmp_path)
    assert (len(found.rows), found.changes, found.labelled) == (2, (), 2)
    assert {row.move for row in found.rows} == {0.0}


def test_answers_of_one_level_have_no_confidence(trained: Path, shapes: Path) -> None:
    with pytest.raises(UsageError, match=r"min_confidence is 0\.9, and these answers come at one level: leave it out"):
        vft.predict(trained, shapes / "disc" / "19.jpg", min_confidence=0.9)
    with pytest.raises(UsageError, match=r"min_confidence is 0\.9, and a folder of answers takes the one of its model"):
        vft.predict(trained, shapes / "disc" / "19.jpg", min_confidence=0.9, out="answers")
