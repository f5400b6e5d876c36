"""The address that a page is served at."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import urllib.request
import webbrowser

import pytest

from visionft.errors import UsageError
from visionft.reviewing import Review
from visionft.reviewing.page_server import HOST, listen, open_browser, serve_page


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_a_signal_also_where_a_loop_runs_already(review: Review, number: int) -> None:
    found: list[str] = []
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    def ready(address: str) -> None:
        found.append(address)
        asking.start()

    def ask() -> None:
        with urllib.request.urlopen(f"{found[0]}overview") as answer:
            found.append(json.load(answer)["name"])
        os.kill(os.getpid(), number)

    asking = threading.Thread(target=ask)

    async def notebook() -> None:
        with listen(0) as listening:
            serve_page(review, listening, ready)

    asyncio.run(notebook())
    asking.join()
    assert found[1:] == ["shop"]
    assert len(found[0].rpartition("127.0.0.1:")[2].split("/")[1]) >= 32, "a token that nobody guesses"
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers
