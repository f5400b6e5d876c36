"""A bar for whoever watches, and nothing where nobody does."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from visionft.machine.progress import RateColumn, bar


class Terminal(io.StringIO):
    """Takes what is written, and says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_where_stderr_is_no_terminal_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("reading photos") as advance:
        advance(1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("shown", "written"), [(True, True), (False, False)])
def test_a_terminal_sees_title_and_number_unless_another_process_shows_it(
    shown: bool, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with bar("reading photos", shown) as advance:
        advance(3, 12)
    assert ("reading photos" in terminal.getvalue()) is written


def test_a_rate_is_whole_and_empty_before_the_first_photos() -> None:
    for speed, text in ((None, ""), (0, ""), (12.6, "13/s")):
        task: Any = SimpleNamespace(speed=speed)
        assert RateColumn().render(task).plain == text
