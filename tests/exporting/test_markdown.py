"""What others named stands in the model card as they wrote it, and does nothing there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visionft.exporting.markdown import inline


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Fruit/Äpfel 7", "Fruit/Äpfel 7"),
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)\>"),
        ("[free](https://example.org)", r"\[free\](https://example.org)"),
        ("t_shirt *new*", r"t\_shirt \*new\*"),
        ("a\n## Licence: none", r"a\\n\#\# Licence: none"),
        ("red\x1b[31m", r"red\\x1b\[31m"),
        ("a|b`c`", r"a\|b\`c\`"),
        ("right\u202eleft", r"right\\u202eleft"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert inline(name) == shown


@given(st.text())
def test_every_name_is_one_printable_line(name: str) -> None:
    assert inline(name).isprintable() or not inline(name)
    assert len(inline(name).splitlines()) <= 1
