"""Which tensors of a file are the backbone's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from visionft.backbones.state_dict import Container
from visionft.backbones.state_dict_keys import Match, matched
from visionft.errors import WeightsError


class Tiny(nn.Module):
    """Two layers, with the names that a backbone has."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body = nn.Linear(3, 4), nn.Linear(4, 5)


def state(seed: int, prefix: str = "") -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {prefix + name: value for name, value in Tiny().state_dict().items()}


def found(*containers: Container) -> dict[str, Tensor]:
    return dict(matched(containers, Tiny(), Path("w.pth")))


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(name in one and torch.equal(one[name], value) for name, value in other.items())


@pytest.mark.parametrize(("keys", "prefix"), [("", ""), ("state_dict.", "module."), ("a.b.", "model.encoder.net.")])
def test_weights_are_found_under_any_keys_and_behind_any_prefix(keys: str, prefix: str) -> None:
    assert equal(found((keys, {**state(1, prefix), f"{prefix}head.weight": torch.ones(2)})), state(1))


def test_of_two_parts_the_one_that_fits_better_is_taken() -> None:
    assert equal(found(("a.", {"stem.weight": torch.zeros(4, 3)}), ("b.", state(2))), state(2))


def test_smoothed_weights_stand_above_those_that_they_follow() -> None:
    for name in ("ema", "model_ema", "teacher-net"):
        assert equal(found(("model.", state(1)), (f"{name}.", state(2))), state(2)), name
    assert not Match("schema.", {}, 0).smoothed, "a part of a word is no word"


def test_two_sets_that_differ_and_fit_alike_are_refused_and_equal_ones_are_one() -> None:
    words = r"w\.pth holds two sets of weights that fit \(one and two\); save one of them alone"
    with pytest.raises(WeightsError, match=words):
        found(("one.", state(1)), ("two.", state(2)))
    assert equal(found(("one.", state(1)), ("two.", state(1))), state(1))


def test_where_nothing_fits_the_most_tensors_are_returned_for_the_words_of_the_misfit() -> None:
    other = {f"layer.{number}": torch.ones(1) for number in range(9)}
    assert len(found(("few.", {"x": torch.ones(1)}), ("many.", other))) == 9
