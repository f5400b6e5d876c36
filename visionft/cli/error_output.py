"""What a failing command says: its sentences on stderr, each on one line whatever names it holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import takewhile

from visionft.wording.safe_text import printable


def print_errors(sentences: Sequence[str], code: int, *, as_json: bool = False) -> int:
    """Print each sentence on a line of stderr and return the exit code.

    Args:
        sentences: what is wrong; none: another process says it.
        code: the exit code.
        as_json: whether a JSON object is printed too, with the sentences, a line each, as `error`.
    """
    for sentence in sentences:
        # With its end in one piece: a signal between the two would put the next sentence on the same line.
        print(f"visionft: {printable(sentence)}\n", end="", file=sys.stderr)
    if as_json and sentences:
        told = {"error": "\n".join(map(printable, sentences)), "exit_code": code}
        print(json.dumps(told, ensure_ascii=False), flush=True)
    return code


def wants_json(tokens: Sequence[str]) -> bool:
    """Tell whether a command line asks for JSON; what stands behind `--` is no flag."""
    return "--json" in takewhile(lambda token: token != "--", tokens)
