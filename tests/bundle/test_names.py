"""Names that a bundle fixes: a change of one breaks every reader."""

from __future__ import annotations

from importlib import metadata

import pytest

from visionft.bundle import names


def test_outputs_are_those_of_the_contract_in_its_order() -> None:
    assert names.OUTPUTS == (
        "label", "class_index", "probability", "probabilities", "logits", "embedding", "known_score", "unknown",
    )  # fmt: skip
    assert names.OUTPUTS[1:] == names.ADAPTED_OUTPUTS


def test_the_factors_of_a_layer_are_named_by_its_path() -> None:
    assert names.factors("blocks.0.attn.qkv") == ("lora/blocks.0.attn.qkv/A", "lora/blocks.0.attn.qkv/B")


def test_a_checkout_that_was_never_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", lambda name: f"{name} 1.2")
    assert names.installed_version() == "visionft 1.2"
    monkeypatch.setattr(metadata, "version", missing)
    assert names.installed_version() == "unknown"
