"""`python -m visionft` is the command line."""

from __future__ import annotations

import runpy
import sys

import pytest

from visionft.bundle.names import installed_version


def test_it_ends_with_the_code_of_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, code in ((["--version"], 0), (["frobnicate"], 2)):
        monkeypatch.setattr(sys, "argv", ["visionft", *words])
        monkeypatch.delitem(sys.modules, "visionft.__main__", raising=False)  # another test may have imported it
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("visionft", run_name="__main__")
        assert (ended.value.code or 0) == code
    told = capsys.readouterr()
    assert installed_version() in told.out
    assert told.err.startswith("visionft: ")
