"""NVIDIA cards that are not here: their memory and their published rates, and what a person calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from visionft.errors import UsageError
from visionft.wording.did_you_mean import closest
from visionft.wording.lists import some

MOST = 2_000.0
"""Gigabytes: more is no card's."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(GB|GIB|G|MB|MIB|M|TB)?", re.IGNORECASE)
_UNITS = {"G": 1e9, "GB": 1e9, "GIB": 2.0**30, "M": 1e6, "MB": 1e6, "MIB": 2.0**20, "TB": 1e12}
_SAME_SIZE = 0.1  # two cards of "24 GB" differ by what error correction takes, 1/16


@dataclass(frozen=True)
class Card:
    """A GPU.

    Attributes:
        name: as people say it.
        memory: bytes; a card of 24 GB is taken to have 24e9, or 15/16 of that where error correction takes its part.
        tflops: 10^12 multiplications and additions a second of the tensor cores in fp16 or bf16, summed in fp32, dense;
            0: not known.
        tflops_fp32: the same in fp32 outside the tensor cores.
        bandwidth: 10^9 bytes a second of the memory.
        bf16: whether it has that arithmetic.
        source: where the rates were published.
    """

    name: str
    memory: float
    tflops: float = 0.0
    tflops_fp32: float = 0.0
    bandwidth: float = 0.0
    bf16: bool = True
    source: str = ""

    @property
    def gigabytes(self) -> float:
        """Its memory in 10^9 bytes."""
        return self.memory / 1e9


_ECC = 15 / 16
CARDS = {
    card.name: card
    for card in (
        Card("T4", 16e9 * _ECC, 65, 8.1, 320, False, "NVIDIA T4 data sheet"),
        Card("V100-16GB", 16e9, 125, 15.7, 900, False, "NVIDIA V100 data sheet, SXM2"),
        Card("V100-32GB", 32e9, 125, 15.7, 900, False, "NVIDIA V100 data sheet, SXM2"),
        Card("RTX 3090", 24e9, 71, 35.6, 936, True, "NVIDIA Ampere GA102 white paper"),
        Card("RTX 4090", 24e9, 165.2, 82.6, 1008, True, "NVIDIA Ada white paper"),
        Card("L4", 24e9 * _ECC, 121, 30.3, 300, True, "NVIDIA L4 data sheet, without sparsity"),
        Card("A10G", 24e9 * _ECC, 70, 31.5, 600, True, "NVIDIA A10G data sheet, without sparsity"),
        Card("L40S", 48e9 * _ECC, 362, 91.6, 864, True, "NVIDIA L40S data sheet, without sparsity"),
        Card("A100-40GB", 40e9, 312, 19.5, 1555, True, "NVIDIA A100 data sheet"),
        Card("A100-80GB", 80e9, 312, 19.5, 2039, True, "NVIDIA A100 data sheet, SXM"),
        Card("H100", 80e9, 989, 67, 3350, True, "NVIDIA H100 data sheet, SXM, without sparsity"),
        Card("H200", 141e9, 989, 67, 4800, True, "NVIDIA H200 data sheet, SXM, without sparsity"),
    )
}
"""Rates are those of the makers' data sheets: peaks, which no training reaches."""


def card_of(given: str) -> Card:
    """Return the card that a name or an amount of memory means, such as `RTX 4090`, `rtx4090`, `24GB` or `24 GiB`.

    Raises:
        UsageError: it is neither.
    """
    plain = {_plain(name): card for name, card in CARDS.items()}
    short = _plain(given).removeprefix("nvidia").removeprefix("geforce").removeprefix("tesla")
    if short in plain:
        return plain[short]
    size = _SIZE.fullmatch(given.strip())
    if size is None:
        close = closest(short, plain, cutoff=0.5)
        meant = f"; did you mean {plain[close[0]].name!r}?" if close else ""
        raise UsageError(
            f"--for: {given.strip() or 'nothing'} is no card that is known here and no amount of memory{meant}; give "
            f"one such as 24GB, or one of {some(CARDS, len(CARDS))}"
        )
    number = float(size[1]) * _UNITS[(size[2] or "GB").upper()]
    if not 1e9 <= number <= MOST * 1e9:
        raise UsageError(
            f"--for: {given.strip()} is no memory of a card; give 1GB to {MOST:,.0f}GB, or a card such as RTX 4090"
        )
    return Card(f"{number / 1e9:g} GB", number)


def with_memory(card: Card) -> list[Card]:
    """Return the known cards that have as much memory as one that is known by its memory alone."""
    return [known for known in CARDS.values() if abs(known.memory / card.memory - 1) < _SAME_SIZE]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()
