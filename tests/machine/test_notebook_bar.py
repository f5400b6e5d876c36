"""A bar in a notebook is one output that is shown anew, and nothing at the end."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from visionft.machine import notebook_bar as bars
from visionft.machine.progress import SILENT, bar


class Output:
    def __init__(self) -> None:
        self.pages: list[str] = []

    def __call__(self, page: dict[str, str], *, raw: bool, display_id: bool) -> Output:
        assert raw
        assert display_id
        self.update(page, raw=raw)
        return self

    def update(self, page: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.pages.append(page["text/html"])


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    made = Output()
    kernel = SimpleNamespace(kernel=object())
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel, display=SimpleNamespace(display=made))
    )  # fmt: skip
    return made


def test_a_picture_has_number_rate_and_time_left() -> None:
    told = bars.picture("<b>photos", 50, 200, 10.0)
    assert told == '&lt;b&gt;photos <progress value="50" max="200"></progress> 50 of 200, 5/s, 30 s left'
    assert bars.picture("photos", 0, 0, 0.0) == 'photos <progress value="0" max="1"></progress> 0 of 0'


def test_in_a_kernel_it_is_shown_anew_and_gone_at_the_end(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "PAUSE", 0.0)
    with bar("training") as advance:
        advance(1, 2)
        advance(2, 2)
    assert [page[:37] for page in output.pages] == [
        'training <progress value="1" max="2">',
        'training <progress value="2" max="2">',
        "",
    ]


def test_a_bar_that_moves_often_is_shown_now_and_then(output: Output) -> None:
    with bar("training") as advance:
        for done in range(1000):
            advance(done, 1000)
    assert 2 <= len(output.pages) < 20


def test_nothing_is_shown_where_it_is_not_wanted(output: Output) -> None:
    with bar("training", shown=False) as advance:
        advance(1, 2)
    assert output.pages == []


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_a_console_of_ipython_is_no_notebook(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert bars.notebook_display() is None


def test_a_process_of_which_the_caller_shows_a_bar_shows_none(
    output: Output, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SILENT, "1")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a kernel has it: rich takes any output for a terminal then
    with bar("training") as advance:
        advance(1, 2)
    assert output.pages == []
    assert capfd.readouterr().err == ""
