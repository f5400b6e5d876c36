"""A resolved value with its reason, and how it is put into a frozen settings tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from visionft.settings import FitSettings


@dataclass(frozen=True)
class Choice:
    """What an "auto" became.

    Attributes:
        setting: dotted name, such as `optim.lr`.
        value: the resolved value.
        reason: why, in a few words.
    """

    setting: str
    value: Any
    reason: str

    def __str__(self) -> str:
        value = f"{self.value:g}" if isinstance(self.value, float) else self.value  # a product shows its rounding
        return f"{self.setting} = {value}  ({self.reason})"


def value_of(settings: FitSettings, name: str) -> Any:
    """Return the value of a dotted setting."""
    node: Any = settings
    for part in name.split("."):
        node = getattr(node, part)
    return node


def put(settings: FitSettings, choices: Iterable[Choice]) -> FitSettings:
    """Return new settings in which each choice is made; the given ones stay as they are."""
    tree = settings.model_dump()
    for choice in choices:
        *path, last = choice.setting.split(".")
        node = tree
        for part in path:
            node = node[part]
        node[last] = choice.value
    return FitSettings.model_validate(tree)


def open_ones(settings: FitSettings, offered: Iterable[Choice]) -> list[Choice]:
    """Return the offered choices whose setting still says "auto"."""
    return [choice for choice in offered if value_of(settings, choice.setting) == "auto"]
