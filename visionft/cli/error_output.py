"""What a failing command says: its sentences on stderr, each on one line whatever names it holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from visionft.wording.safe_text import printable


def complain(sentences: Sequence[str], code: int) -> int:
    """Print each sentence on a line of stderr and return the exit code."""
    for sentence in sentences:
        print(f"visionft: {printable(sentence)}", file=sys.stderr)
    return code
