"""What low-rank runs share, and which runs cannot share a base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.exporting.adapted import AdaptedFake, adapted_run
from visionft.errors import RunError, UsageError
from visionft.exporting import export_adapters
from visionft.exporting.adapters.lora_runs import read_adapters
from visionft.settings import HeadMethod, LoraMethod


def one(run: AdaptedFake) -> dict[str, AdaptedFake]:
    return {"first": run}


def norms_trained(run: AdaptedFake) -> AdaptedFake:
    changed = run.network()
    with torch.no_grad():
        changed.backbone.get_parameter("norm.weight").add_(1e-3)
    return replace(run, trained=changed)


def other_base(run: AdaptedFake) -> AdaptedFake:
    base, trained = run.start(), run.network()
    with torch.no_grad():
        for network in (base, trained):
            network.backbone.get_parameter("norm.weight").add_(1e-3)
    return replace(run, base=base, trained=trained)


def without_adapter(run: AdaptedFake, place: Path) -> AdaptedFake:
    place.mkdir()
    return replace(run, path=place)


def other_weights(run: AdaptedFake) -> AdaptedFake:
    return replace(run, weights_source={**run.weights_source, "sha256": "f" * 64})


FAULTS = {
    "method": (lambda run, _: replace(run, method=HeadMethod()), "was trained with --method head, and adapters come"),
    "head": (lambda run, _: replace(run, head="mlp"), "has a mlp head, and adapters have linear ones"),
    "blend": (lambda run, place: without_adapter(run, place / "bare"), r"has no adapter/ \(a blend of two networks"),
    "norms": (lambda run, _: norms_trained(run), "trained norm.weight beside its updates and its head"),
    "base": (lambda run, _: other_base(run), "has another norm.weight in its base than .*, before any step"),
    "preprocess": (
        lambda run, _: replace(run, transform=replace(run.preprocess, interpolation="bilinear")),
        "sees photos by another preprocess than .*",
    ),
    "weights": (lambda run, _: other_weights(run), "started from other pretrained weights than "),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_run_that_cannot_share_the_base_is_refused(
    low_rank: dict[str, AdaptedFake], tmp_path: Path, name: str
) -> None:
    change, words = FAULTS[name]
    first = other_weights(low_rank["shoes"])
    first.weights_source["sha256"] = None if name != "weights" else "0" * 64
    odd = change(low_rank["mlp"], tmp_path)

    with pytest.raises(RunError, match=rf"the run .* {words}.*; export it alone, with `visionft export ") as caught:
        export_adapters({"first": first, "odd": odd}, tmp_path / "bundle")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "bundle").exists()


def test_another_backbone_or_layers_that_are_not_linear_are_refused(
    low_rank: dict[str, AdaptedFake], tmp_path: Path
) -> None:
    other = adapted_run(tmp_path / "other", LoraMethod(rank=2), ("a", "b"), 1, "test_byobnet")

    with pytest.raises(RunError, match=r"has the backbone test_byobnet, .* has test_vit; export it alone"):
        read_adapters({"shoes": low_rank["shoes"], "other": other})
    with pytest.raises(
        RunError, match=r"has its update inside the weight of .*, which is no linear layer called as one"
    ):
        read_adapters({"other": other})


def test_no_run_and_impossible_names_are_refused(low_rank: dict[str, AdaptedFake], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run was given for the adapters: give at least one run of --method lora"):
        export_adapters({}, tmp_path / "b")
    with pytest.raises(UsageError, match=r"'\.\./up' cannot be the name of an adapter: give another as NAME=RUN"):
        export_adapters({"../up": low_rank["mlp"]}, tmp_path / "b")
