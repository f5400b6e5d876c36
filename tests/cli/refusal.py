"""The one sentence with which a command refuses."""

from __future__ import annotations

import pytest

from visionft.cli import main


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the one sentence that a call is refused with."""
    assert main(words) in (1, 2)
    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.splitlines()
    return line.removeprefix("visionft: ")
