"""What is told to people, with a shorter form for a terminal that shows only what is needed."""

from __future__ import annotations

import re
from typing import Self

_FIGURE = re.compile(r"(?P<name>.*?\S)\s{2,}(?P<value>\S+)\s+(?P<more>\S+(?: \S+)*)(?:\s{2,}.*)?")


class Told(str):
    """A text of one or several lines, as itself in full.

    Attributes:
        brief: what is shown where nobody asked for more; empty: nothing.
    """

    __slots__ = ("brief",)
    brief: str

    def __new__(cls, text: str, brief: str = "") -> Self:
        """Keep both forms."""
        told = super().__new__(cls, text)
        told.brief = brief
        return told


def brief_of(text: str) -> str:
    """Return the shorter form of a text; one that has none is shown whole."""
    return text.brief if isinstance(text, Told) else text


def headline(text: str) -> str:
    """Return the first line of a table of figures, together with the first figure below it."""
    first, *rest = text.split("\n")
    figure = next((line.strip() for line in rest if any(sign.isdigit() for sign in line)), "")
    if not figure:
        return first
    found = _FIGURE.fullmatch(figure)
    said = f"{found['name']} {found['value']} ({found['more'].strip('()')})" if found else " ".join(figure.split())
    return f"{first}: {said}" if ":" not in first else f"{first}; {said}"
