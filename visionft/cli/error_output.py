"""What a failing command says: its sentences on stderr, each on one line whatever names it holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from visionft.wording.safe_text import printable


def complain(sentences: Sequence[str], code: int) -> int:
    """Print each sentence on a line of stderr and return the exit code."""
    for sentence in sentences:
        # With its end in one piece: a signal between the two would put the next sentence on the same line.
        print(f"visionft: {printable(sentence)}\n", end="", file=sys.stderr)
    return code
