"""The page of queries: their pictures, in the order in which they were found, and names from outside as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.reporting.reading import Page
from visionft.reporting.album import GONE, Album, Encoded
from visionft.reporting.query_page import render_queries
from visionft.tasks.spec import Score

SCORE = Score("recall1", "recall@1", ".2%")
HIT = {"path": "b.png", "truth": "<b>", "score": 0.876, "right": False}
QUERY = {"path": "a.png", "truth": "mug", "rank": 3, "hits": [HIT, {**HIT, "path": "gone.png", "right": True}]}
FACTS: dict[str, Any] = {
    "kind": "evaluation", "subject": "a <run>", "split": "test", "kept": True, "n": 4, "queries": 3, "products": 2,
    "alone": 1, "account": None, "seen": {"train": 2, "validation": 0}, "notes": ["a note"],
    "figures": [
        {"words": "recall@1", "photo": 0.5, "photo_interval": [0.25, 0.75], "product": 0.4, "product_interval": None}
    ],
    "worst": [QUERY], "drawn": [],
    "hardest": [{"name": "mug", "recall1": 0.0, "interval": [0.0, 0.5], "queries": 3, "median_rank": 2.5}],
}  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / name)
    return tmp_path


def test_a_query_is_followed_by_what_it_found_in_pictures(photos: Path) -> None:
    text = render_queries(FACTS, Album(Encoded(photos)), SCORE)
    page = Page(text)
    assert page.open == []
    assert [image["alt"] for image in page.of("img")] == ["query: mug", "found: <b>"]
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.of("img"))
    assert GONE in page.text  # the second hit
    assert "mug asks; its first right photo comes as number 3" in page.text
    assert "wrong: <b> 0.88" in page.text
    assert page.text.index("1. wrong") < page.text.index("2. right")


def test_figures_and_warnings_are_told(photos: Path) -> None:
    page = Page(render_queries(FACTS, Album(Encoded(photos)), SCORE))
    assert page.row("recall@1") == ["recall@1", "50.0%", "25.0% to 75.0%", "40.0%", ""]
    assert page.row("mug") == ["mug", "0.0%", "0.0% to 50.0%", "3", "2.5"]
    assert "2 of these photos are among those that the run was trained on." in page.text
    assert "3 photos of 2 products asked for the others of their product among the other 3; 1 without" in page.text
    assert [section["id"] for section in page.of("section") if "id" in section] == [
        "answer", "queries", "products", "data",
    ]  # fmt: skip


def test_names_from_outside_stay_text_and_nothing_is_asked_for(photos: Path) -> None:
    text = render_queries(FACTS, Album(Encoded(photos)), SCORE)
    assert "<h1>a &lt;run&gt;</h1>" in text
    assert "<b></span>" not in text
    assert len(Page(text).of("script")) == 1
    assert "default-src &#39;none&#39;" in text


def test_without_pictures_or_answers_the_page_says_so(photos: Path) -> None:
    plain = Page(render_queries(FACTS, Album(Encoded(photos), wanted=False), SCORE))
    assert plain.of("img") == []
    assert "This page was asked to hold no pictures." in plain.text
    bare = Page(render_queries({**FACTS, "kept": False, "worst": []}, Album(Encoded(photos)), SCORE))
    assert "The answers to these photos one by one were not kept: visionft evaluate RUN --split test" in bare.text
    none_wrong = Page(render_queries({**FACTS, "worst": []}, Album(Encoded(photos)), SCORE))
    assert "Every query found its product first." in none_wrong.text
