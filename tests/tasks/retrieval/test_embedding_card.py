"""The model card of a retrieval."""

from __future__ import annotations

from typing import Any

from visionft.bundle.schema import BundleRecord
from visionft.tasks.retrieval.embedding_card import card


def with_(record: BundleRecord, **changes: Any) -> str:
    return card(record.model_copy(update=changes))


def test_a_bare_record_says_what_it_is_and_what_was_not_measured(record: BundleRecord) -> None:
    text = with_(record, backbone="vit*x")
    assert text.startswith("# vit\\*x: embeddings for visual search\n")
    assert "None was measured: `visionft evaluate` does so." in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Figures",
        "## Call it",
        "## The exported file",
        "## Licence and provenance",
    ]


def test_the_code_on_the_card_is_python(record: BundleRecord) -> None:
    code = card(record).partition("```python\n")[2].partition("```")[0]
    compile(code, "card", "exec")
    assert 'Session("model.onnx")' in code


def test_figures_and_the_proof_are_told(record: BundleRecord) -> None:
    text = with_(
        record,
        figures={"training": {"val": {"recall1": 0.5, "recall5": 0.75, "map": 0.4, "queries": 1200, "products": 300}}},
        parity={"n": 341, "least_cosine": 0.999999, "tolerance": 0.9999},
    )
    assert "- validation: recall@1 50.0%, recall@5 75.0%, mAP 40.0% of 1,200 photos of 300 products" in text
    assert "cosines of at least 0.999999, and 0.9999 is asked for." in text
