"""The model card: what is told of figures, thresholds, proofs and licences."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bundle.making import make_bundle
from visionft.bundle.schema import AgreementRecord, BundleRecord, TargetRecord
from visionft.exporting.model_card import SHOWN_CLASSES, card, class_list, measured_sets, tried


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> BundleRecord:
    folder = make_bundle(tmp_path_factory.mktemp("card") / "bundle")
    return BundleRecord.model_validate(json.loads((folder / "bundle.json").read_text(encoding="utf-8")))


def with_(record: BundleRecord, **changes: Any) -> str:
    return card(record.model_copy(update=changes))


def test_a_bare_record_says_what_is_not_known(record: BundleRecord) -> None:
    text = card(record)
    assert text.startswith("# colours: 3 classes of photos\n\nA photo classifier")
    for line in (
        "None was measured: `visionft evaluate` does so.",
        "- Logits are divided by the temperature 1: none was fitted.",
        "- There is no threshold: no photo is answered `unknown`.",
        "- Golden vectors: left out, since the photos are private.",
    ):
        assert line in text
    assert "Made smaller" not in text


def test_figures_are_told_by_their_names_with_what_was_left_out_and_seen(record: BundleRecord) -> None:
    values = {
        "top1": 0.91234, "top5": 1.0, "n": 1200, "account": {"asked": 1203, "measured": 1200},
        "seen": {"train": 200, "validation": 0, "new": {"top1": 0.8, "n": 1000}},
    }  # fmt: skip
    text = with_(record, figures={"test": values})
    assert (
        "- test: top-1 0.9123, photos 1,200, 3 of 1,203 photos that were asked for are left out, of these photos the "
        "run was trained on 200 and chosen by 0: without them top-1 0.8000, photos 1,000"
    ) in text
    assert "top-5" not in text, "of three classes it is certain"
    values["seen"] = {"train": 1200, "validation": 0, "new": None}
    assert "these figures say nothing about new photos" in with_(record, figures={"test": values})


def test_a_threshold_and_a_temperature_are_told(record: BundleRecord) -> None:
    text = with_(record, temperature=0.7, threshold=-1.25, accepted=0.95)
    assert "- Logits are divided by the temperature 0.7, fitted to validation." in text
    assert "- A photo is `unknown` if its `known_score` is below -1.25." in text
    assert "accepts 95.0% of photos" in text


def test_the_proof_has_the_photos_the_labels_and_the_differences(record: BundleRecord) -> None:
    found = AgreementRecord(
        n=341, agreement=1.0, max_probability_difference=2e-6, max_pixel_difference=0.0, by_check={}
    )
    text = with_(
        record,
        agreement=found,
        target=TargetRecord(runtime="onnxruntime==1.17.3", n=32, max_probability_difference=1e-6),
    )
    assert "on 341 validation photos from their encoded bytes: the same label on 100.00%" in text
    assert "- Under onnxruntime==1.17.3, 32 photos have the same answers" in text
    assert tried(TargetRecord(runtime="onnxruntime==1.17.3", n=1, max_probability_difference=0)).startswith(
        "under onnx"
    )


def test_where_it_comes_from_is_told(record: BundleRecord) -> None:
    origins: dict[str, Any] = {
        "origin": {"path": "first"}, "teacher": {"path": "big"}, "blend": 0.4, "unfinished": True, "epoch": 3,
        "data_fingerprint": "abc",
    }  # fmt: skip
    text = with_(record, provenance=origins)
    for line in (
        "- Went on from the run first.",
        "- Taught by the run big (distillation).",
        "- Blended: 0.4 of the way from the start to the trained weights",
        "- The run was not finished: these are its best weights so far, of epoch 3.",
        "- Data fingerprint: `abc`.",
    ):
        assert line in text


def test_names_are_text_and_many_classes_are_counted() -> None:
    assert [line.split()[0] for line in class_list(["a*b", "c"]).splitlines()] == ["0.", "1."]
    assert "a*b" not in class_list(["a*b"]), "signs of Markdown are escaped"
    many = class_list([f"c{number}" for number in range(SHOWN_CLASSES + 5)])
    assert many.endswith("and 5 more in `bundle.json`.")
    assert f"c{SHOWN_CLASSES}" not in many


def test_what_was_measured_comes_as_validation_and_by_its_name(record: BundleRecord) -> None:
    found = record.model_copy(update={"figures": {"training": {"val": {"mae": 1}}, "test": {"mae": 2}, "x": 3}})
    assert list(measured_sets(found)) == [("validation", {"mae": 1}), ("test", {"mae": 2})]
