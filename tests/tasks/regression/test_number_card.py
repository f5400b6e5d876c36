"""The model card of a regression."""

from __future__ import annotations

from typing import Any

from visionft.bundle.schema import BundleRecord
from visionft.tasks.regression.number_card import card


def with_(record: BundleRecord, **changes: Any) -> str:
    return card(record.model_copy(update=changes))


def test_a_bare_record_says_what_it_is_and_what_was_not_measured(record: BundleRecord) -> None:
    text = with_(record, backbone="vit*x")
    assert text.startswith("# vit\\*x: a number for each photo\n")
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
        figures={"training": {"val": {"mae": 12.345678, "rmse": 20.0, "r2": None, "n": 1200}}},
        parity={"n": 341, "max_value_difference": 0.001, "tolerance": 0.01},
    )
    assert "- validation: MAE 12.35, RMSE 20, R2 none on 1,200 photos" in text
    assert "values at most 0.001 apart, and 0.01 may be." in text
