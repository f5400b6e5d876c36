"""Cards by the names and sizes that people give."""

from __future__ import annotations

import pytest

from visionft.errors import UsageError
from visionft.machine.gpu_cards import CARDS, card_of, with_memory


@pytest.mark.parametrize("name", ["RTX 4090", "rtx4090", "NVIDIA GeForce RTX 4090", "rtx-4090"])
def test_a_name_is_read_however_it_is_spelt(name: str) -> None:
    assert card_of(name) is CARDS["RTX 4090"]


@pytest.mark.parametrize(
    ("given", "size"), [("24GB", 24e9), ("24", 24e9), (" 24 gb", 24e9), ("24GiB", 24 * 2**30), ("512000MB", 512e9)]
)
def test_an_amount_of_memory_is_a_card_without_rates(given: str, size: float) -> None:
    card = card_of(given)
    assert (card.memory, card.bandwidth) == (size, 0)


def test_cards_of_one_size_are_found() -> None:
    assert [card.name for card in with_memory(card_of("24GB"))] == ["RTX 3090", "RTX 4090", "L4", "A10G"]
    assert with_memory(card_of("7GB")) == []


def test_every_card_has_its_rates_and_their_source() -> None:
    for name, card in CARDS.items():
        assert card.name == name
        assert card.source
        assert card.tflops > card.tflops_fp32 > 0
        assert card.bandwidth > 0
        assert card.memory > 1e10


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            "24 parsecs",
            "--for: 24 parsecs is no card that is known here and no amount of memory; give one such as 24GB",
        ),
        ("RTX 9999", "--for: RTX 9999 is no card that is known here and no amount of memory; did you mean 'RTX 4090'?"),
        ("H1000", "did you mean 'H100'?"),
        ("", "--for: nothing is no card"),
        ("0GB", "--for: 0GB is no memory of a card; give 1GB to 2,000GB, or a card such as RTX 4090"),
        ("900TB", "--for: 900TB is no memory of a card"),
    ],
)
def test_anything_else_is_one_sentence(given: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        card_of(given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
