"""The model card of a classifier of several labels."""

from __future__ import annotations

from typing import Any

from visionft.bundle.schema import BundleRecord
from visionft.tasks.multilabel.label_card import card


def with_(record: BundleRecord, **changes: Any) -> str:
    return card(record.model_copy(update=changes))


def test_a_bare_record_says_what_it_is_and_what_was_not_measured(record: BundleRecord) -> None:
    text = with_(record, backbone="vit*x")
    assert text.startswith("# vit\\*x: which of 3 labels a photo has\n")
    assert "None was measured: `visionft evaluate` does so." in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Figures",
        "## Call it",
        "## Labels",
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
        figures={"training": {"val": {"map": 0.5, "micro_f1": 0.25, "macro_f1": None, "n": 1200}}},
        parity={"n": 341, "max_probability_difference": 2e-6, "near_ties": 1},
    )
    assert "- validation: mAP 0.5000, micro F1 0.2500, macro F1 none on 1,200 photos" in text
    assert "probabilities at most 2e-06 apart, and 1 labels chosen otherwise" in text
