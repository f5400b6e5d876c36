"""The address that a page is served at."""

from __future__ import annotations

import webbrowser

import pytest

from visionft.errors import UsageError
from visionft.reviewing.page_server import HOST, listen, open_browser


def test_it_listens_on_this_machine_alone() -> None:
    with listen(0) as first:
        host, port = first.getsockname()
        assert host == HOST == "127.0.0.1"
        with pytest.raises(UsageError, match=rf"--port: {port} cannot be listened on \(.*\); give another, or 0"):
            listen(port)


def test_a_browser_of_the_terminal_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    class Windows(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
            opened.append(url)
            return True

    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("true"))
    assert not open_browser("http://127.0.0.1/")
    monkeypatch.setattr(webbrowser, "get", lambda: Windows())
    assert open_browser("http://127.0.0.1/x/")
    assert opened == ["http://127.0.0.1/x/"]


def test_no_browser_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> webbrowser.BaseBrowser:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none)
    assert not open_browser("http://127.0.0.1/")
