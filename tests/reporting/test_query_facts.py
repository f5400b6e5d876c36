"""Facts of an evaluation whose answers are photos: those of its files, and what nobody kept is said to be missing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visionft.errors import RunError
from visionft.reporting import query_facts
from visionft.reporting.facts import Source
from visionft.reporting.query_facts import of_query_evaluation, of_query_run, of_query_validation, shows_queries

TASK = "retrieval"
METRICS: dict[str, Any] = {
    "split": "te\x1bst", "n": 4, "queries": 3, "products": 2, "alone": 1, "recall1": 2 / 3, "product_recall1": 0.5,
    "intervals": {"recall1": [0.2, 0.9]}, "account": {"asked": 4, "measured": 4},
    "seen": {"train": 0, "validation": 0}, "notes": ["n"],
}  # fmt: skip
ROWS = {
    "path": ["a1", "a2", "b1", "c"],
    "truth": ["a", "a", "b", "c"],
    "rank": [1, 1, 3, None],  # c is alone, and asked nothing
    "correct": [True, True, False, None],
    "nearest": ["a2", "a1", "a1", "a1"],
    "score": [0.9, 0.9, 0.70004, 0.1],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    pq.write_table(pa.table(ROWS), tmp_path / "predictions.parquet")
    return tmp_path


def test_only_a_task_that_answers_with_photos_shows_queries() -> None:
    assert shows_queries(TASK)
    assert not shows_queries("classification")


def test_an_evaluation_is_told_by_its_files(folder: Path) -> None:
    found = of_query_evaluation(folder, Source("a run", None, folder), TASK)
    assert (found["kind"], found["subject"], found["photos_root"]) == ("evaluation", "a run", str(folder))
    assert "\x1b" not in found["split"]
    assert {name: found[name] for name in ("n", "queries", "products", "alone")} == {
        "n": 4, "queries": 3, "products": 2, "alone": 1,
    }  # fmt: skip
    assert found["figures"][0] == {
        "words": "recall@1", "photo": 2 / 3, "photo_interval": [0.2, 0.9], "product": 0.5, "product_interval": None,
    }  # fmt: skip
    assert (found["account"], found["seen"], found["notes"]) == (METRICS["account"], METRICS["seen"], ["n"])
    assert found["worst"] == [
        {
            "path": "b1", "truth": "b", "rank": 3,
            "hits": [{"path": "a1", "truth": "a", "score": 0.7, "right": False}],
        }
    ]  # fmt: skip
    assert {query["path"] for query in found["drawn"]} == {"a1", "a2", "b1"}
    json.dumps(found, allow_nan=False)


def test_an_evaluation_without_its_record_is_one_sentence(folder: Path) -> None:
    (folder / "metrics.json").write_text("{")
    with pytest.raises(RunError, match=r"metrics\.json"):
        of_query_evaluation(folder, Source("a run", None, None), TASK)


def run_of(**result: Any) -> Any:
    return SimpleNamespace(task=TASK, result={"val": {"recall1": 0.5, "n": 9}, **result})


def test_validation_has_figures_and_no_queries() -> None:
    found = of_query_validation(run_of(), Source("a run", None, None))
    assert (found["split"], found["n"], found["figures"][0]["photo"]) == ("validation", 9, 0.5)
    assert (found["kept"], found["worst"], found["drawn"]) == (False, [], [])
    assert (found["photos_root"], found["account"], found["notes"]) == (None, None, [])


@pytest.mark.parametrize(
    ("rows", "train", "start", "told"),
    [
        ([{"epoch": 0, "val_recall1": 0.25}, {"epoch": 1, "val_recall1": 0.5}], {"recall1": 0.75}, 0.25, 0.75),
        ([{"epoch": 1, "val_recall1": 0.5}], None, None, None),
    ],
)
def test_a_run_is_told_by_the_score_that_chose_its_epoch(
    monkeypatch: pytest.MonkeyPatch, rows: list[Any], train: Any, start: float | None, told: float | None
) -> None:
    monkeypatch.setattr(query_facts, "epochs_of", lambda _: rows)
    monkeypatch.setattr(query_facts, "of_any_run", lambda _, evaluation: {"kind": "run", "evaluation": evaluation})
    found = of_query_run(run_of(train=train), {"kept": False})
    assert found == {
        "kind": "run",
        "evaluation": {"kept": False},
        "score": {
            "words": "recall@1", "validation": 0.5, "train": told, "start": start, "column": "val_recall1",
        },
    }  # fmt: skip
