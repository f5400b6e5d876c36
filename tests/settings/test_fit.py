"""The settings of a run as a whole: what contradicts itself is refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from visionft.settings import FitSettings, PreprocessSettings


@pytest.mark.parametrize(
    ("size", "sides", "kept"),
    [(None, None, None), (224, (224, 224), 224), ("192x256", (192, 256), "192x256"), ("0128x128", (128, 128), 128)],
)
def test_sides_are_height_and_width(size: int | str | None, sides: tuple[int, int] | None, kept: Any) -> None:
    settings = PreprocessSettings(size=size)
    assert (settings.sides, settings.size) == (sides, kept)


@pytest.mark.parametrize("size", ["15x100", "100x2049"])
def test_a_side_beyond_its_bounds(size: str) -> None:
    with pytest.raises(ValidationError, match=f"{size} has a side outside 16 to 2048; give one such as 192x256"):
        PreprocessSettings(size=size)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"task": "clasification"}, "there is no clasification; did you mean 'classification'[?]; give one of "),
        ({"loss": "huber"}, "loss: the task classification has no huber; give one of "),
        ({"task": "retrieval", "head": "mlp"}, "head: the task retrieval has no mlp; give one of "),
        (
            {"task": "retrieval", "loss": "supcon", "optim": {"batch_size": 64, "micro_batch": 32}},
            r"optim.micro_batch: 32 is a part of a batch \(64\), and the loss supcon compares all photos",
        ),
        (
            {"loss": "own:focal", "optim": {"class_weights": "balanced"}},
            "optim.class_weights: balanced weighs the task's loss, and this one is own:focal; weigh in that function",
        ),
        (
            {"method": "lora", "optim": {"l2_sp": 30}},
            "optim.l2_sp: 30 pulls the backbone back to its start, and the method lora leaves the backbone as it is",
        ),
        (
            {"distill": "runs/a", "method": "head"},
            "distill: runs/a teaches in epochs, and there are none; .* --method full",
        ),
        ({"distill": "runs/a", "epochs": 0}, "teaches in epochs, and there are none; .* give --epochs from 1"),
    ],
)
def test_what_contradicts_itself_is_one_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence) as caught:
        FitSettings.model_validate({"photos": "p", **given})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize(
    "given",
    [
        {"method": "full", "optim": {"l2_sp": 30}},
        {"loss": "own:focal"},
        {"task": "retrieval", "loss": "supcon", "optim": {"batch_size": 64, "micro_batch": 64}},
        {"distill": "runs/a", "method": {"name": "head", "solver": "epochs"}},
    ],
)
def test_what_does_not_contradict_itself_is_taken(given: dict[str, Any]) -> None:
    FitSettings.model_validate({"photos": "p", **given})


def test_a_method_may_be_its_name_alone() -> None:
    alone = FitSettings.model_validate({"photos": "p", "method": "lora"})
    assert alone == FitSettings.model_validate({"photos": Path("p"), "method": {"name": "lora"}})
