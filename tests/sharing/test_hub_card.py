"""The card on the hub: YAML that the hub's own library reads, how to call it from there, and the bundle's card."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import ModelCard

from tests.bundle.making import make_adapted_bundle, make_bundle
from visionft.bundle import Bundle
from visionft.runs import Run
from visionft.sharing.hub_card import of_bundle, of_run


def test_of_a_bundle(tmp_path: Path) -> None:
    record = Bundle.open(make_bundle(tmp_path / "b")).record
    measured = record.model_copy(update={"figures": {"test": {"top1": 0.75, "n": 8}}})
    card = ModelCard(of_bundle(measured, "me/goods"))
    assert (card.data.library_name, card.data.pipeline_tag) == ("visionft", "image-classification")
    assert card.data.tags == ["visionft", "onnx"]
    assert card.data.license is None, "whose photos they are says under what licence"
    [result] = card.data.eval_results or []
    assert (result.metric_type, result.metric_value, result.dataset_split) == ("accuracy", 0.75, "test")
    assert card.text.lstrip().startswith("# ")
    assert "visionft predict hf://me/goods photo.jpg" in card.text
    assert "## Licence and provenance" in card.text


def test_of_a_bundle_that_was_not_measured(tmp_path: Path) -> None:
    record = Bundle.open(make_bundle(tmp_path / "b")).record.model_copy(update={"figures": {}})
    assert ModelCard(of_bundle(record, "me/goods")).data.eval_results is None


def test_of_a_bundle_with_adapters(tmp_path: Path) -> None:
    record = Bundle.open(make_adapted_bundle(tmp_path / "b")).record
    assert "## Adapters" in ModelCard(of_bundle(record, "me/goods")).text


def test_of_a_run(trained: Path) -> None:
    run = Run.open(trained)
    card = ModelCard(of_run(run, "me/run", {"top1": 0.5, "n": 9}))
    assert "# test\\_resnet: 3 classes\n" in card.text
    assert "- test: top-1 50.00% on 9 photos" in card.text
    assert "0. disc" in card.text
    assert f"`{run.fingerprint}`" in card.text
    assert card.data.tags == ["visionft"]
