"""The page of a run whose answers are photos: figures, queries with what they found, products; asked of nobody."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import visionft as vft
from tests.reporting.reading import Page
from tests.tasks.retrieval.test_learning import solved
from visionft.runs import layout
from visionft.tasks.retrieval.report import DRAWN, REPORT


@pytest.fixture(scope="module")
def run(shapes: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    return vft.fit(shapes, **solved(small, out=tmp_path_factory.mktemp("solved") / "run"))


def test_fit_leaves_a_page_with_every_figure_and_its_queries_in_pictures(run: vft.Run) -> None:
    text = (run.path / layout.REPORT).read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    sections = [section["id"] for section in page.of("section") if "id" in section]
    assert sections == ["answer", "curves", "queries", "products", "data", "audit", "settings", "cost"]
    test = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())
    low, high = test["intervals"]["recall1"]
    assert page.row("recall@1")[1:3] == [f"{test['recall1']:.1%}", f"{low:.1%} to {high:.1%}"]
    assert page.row("mAP")[3] == f"{test['product_map']:.1%}"
    facts = json.loads((run.path / layout.REPORT_FACTS).read_text())
    queries = facts["evaluation"]["worst"] + facts["evaluation"]["drawn"]
    assert len(facts["evaluation"]["drawn"]) == DRAWN
    assert len(page.of("img")) == sum(1 + len(query["hits"]) for query in queries)
    assert not re.search(r'(?:src|href)="(?!data:|#)', text), "nothing is asked for"
    assert not (run.path / layout.CONFUSION).exists()
    assert (run.path / "evaluation" / "test" / layout.REPORT).is_file()


def test_the_worst_queries_are_those_that_found_their_product_last(run: vft.Run) -> None:
    facts = json.loads((run.path / layout.REPORT_FACTS).read_text())["evaluation"]
    table = vft.evaluate(run, out=run.path.parent / "again").predictions.to_pylist()
    ranks = sorted((row["rank"] for row in table if row["rank"] is not None and row["rank"] > 1), reverse=True)
    assert [query["rank"] for query in facts["worst"]] == ranks[:12]
    for query in facts["worst"]:
        assert not query["hits"][0]["right"]
        assert [hit["score"] for hit in query["hits"]] == sorted((hit["score"] for hit in query["hits"]), reverse=True)


def test_a_report_is_made_again_without_pictures_and_without_an_evaluation(run: vft.Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run.path, tmp_path / "run"))
    page = vft.report(copy, pictures="none")
    assert Page(page.read_text(encoding="utf-8")).of("img") == []
    shutil.rmtree(copy / layout.EVALUATION)
    assert "were not kept" in Page(vft.report(copy).read_text(encoding="utf-8")).text


def test_facts_without_answers_one_by_one_are_figures_alone() -> None:
    found = REPORT.facts({"recall1": 0.5, "n": 4}, None)
    assert found["figures"][0] == {
        "words": "recall@1", "photo": 0.5, "photo_interval": None, "product": None, "product_interval": None,
    }  # fmt: skip
    assert (found["kept"], found["worst"], found["hardest"]) == (False, [], [])
