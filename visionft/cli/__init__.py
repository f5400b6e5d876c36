"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from visionft.cli.error_output import print_errors, wants_json
from visionft.cli.interrupts import StoppedError, handled_signals

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a failure the user can mend, 2 wrong usage."""
    try:
        with handled_signals():
            # Not above: an interruption is one sentence from here on, also while the parser is imported.
            from visionft.cli.app import run

            return run(arguments)
    except StoppedError as error:
        tokens = sys.argv[1:] if arguments is None else arguments
        return print_errors([str(error)], error.exit_code, as_json=wants_json(tokens))
