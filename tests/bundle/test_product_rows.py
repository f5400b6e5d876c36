"""Answers to products: rows, sentences, and an account that counts photos."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from visionft.bundle.prediction_rows import Answer, Unanswered
from visionft.bundle.product_rows import ProductPrediction, ProductPredictions, UnansweredProduct

HALVES = np.array([0.75, 0.25], np.float32)
ANSWER = Answer("bag", 0, 0.75, HALVES, HALVES, HALVES, 3.5, False)
UNREAD = tuple(Unanswered(name, "truncated") for name in ("bad1.jpg", "bad2.jpg", "bad3.jpg"))
FOUND = ProductPredictions(
    (
        ProductPrediction.of_photos("sku1", ANSWER, 2, 0),
        ProductPrediction.of_photos("sku2", ANSWER, 1, 1),
        UnansweredProduct.of_photos("sku3", 2),
    ),
    ("bag", "hat"),
    unread=UNREAD,
)


def test_a_row_names_the_product_and_counts_its_photos() -> None:
    assert FOUND[1].to_row() == {
        "product": "sku2", "photos": 1, "unread": 1, "label": "bag", "class_index": 0, "probability": 0.75,
        "known_score": 3.5, "unknown": False, "problem": None,
    }  # fmt: skip
    row = FOUND[2].to_row()
    assert list(row) == list(FOUND[0].to_row()) == list(FOUND.types)
    assert {name: value for name, value in row.items() if value is not None} == {
        "product": "sku3", "photos": 0, "unread": 2, "problem": "none of its 2 photos could be read",
    }  # fmt: skip


def test_why_a_product_has_no_answer() -> None:
    assert UnansweredProduct.of_photos("x", 1).problem == "its one photo could not be read"
    assert UnansweredProduct.of_photos("x", 1200).problem == "none of its 1,200 photos could be read"


def test_the_account_counts_photos_and_not_products() -> None:
    account = FOUND.account
    assert (account.asked, account.measured, len(account.left_out)) == (6, 3, 3)
    assert [each.path for each in account.left_out] == ["bad1.jpg", "bad2.jpg", "bad3.jpg"]
    assert FOUND.unanswered == UNREAD
    assert [row.path for row in FOUND.answered] == ["sku1", "sku2"]


def test_it_is_said_in_words_and_in_a_notebook() -> None:
    assert str(FOUND).splitlines() == [
        "sku1  bag  75.0%  (2 photos)",
        "sku2  bag  75.0%  (1 photo, 1 not read)",
        "sku3  not read: none of its 2 photos could be read",
        "2 of 3 products answered; 3 photos answered, 3 of 6 not read",
    ]
    assert [FOUND.cells(row) for row in FOUND] == [
        ("sku1", "2", "bag", "75.0%"),
        ("sku2", "1", "bag", "75.0%"),
        ("sku3", "0", "not read", "none of its 2 photos could be read"),
    ]
    assert len(FOUND.headings) == len(FOUND.cells(FOUND[0]))


def test_a_table_has_the_types_and_further_labels() -> None:
    table = FOUND.with_top(2).to_arrow()
    assert table.schema.field("photos").type == pa.int64()
    assert table["product"].to_pylist() == ["sku1", "sku2", "sku3"]
    assert table["label_2"].to_pylist() == ["hat", "hat", None]
    assert table["probability_2"].to_pylist() == [0.25, 0.25, None]
    assert FOUND.with_top(2).account == FOUND.account
