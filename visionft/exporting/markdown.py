"""Names that somebody else chose, inside Markdown: they say what they are and do nothing."""

from __future__ import annotations

import re

_SIGNS = re.compile(r"([\\`*_\[\]<>|#~&!$])")


def inline(text: object) -> str:
    r"""Return a text as one line of Markdown that shows it as it is.

    Signs of Markdown and HTML are escaped (CommonMark 2.4), and what is no printable letter is spelt out, as `\x1b`.
    """
    printable = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(text))
    return _SIGNS.sub(r"\\\1", printable)
