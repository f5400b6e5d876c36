"""The page in a real browser: a photo is chosen and its answer appears, under the page's own policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.serving.server.browsing import CHROMIUM, browser
from tests.serving.server.processes import Served, png

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="SKIPPED ALOUD: no Chromium on the path; install it to test the page"),
]


def test_a_chosen_photo_is_answered_with_bars(server: Served, tmp_path: Path) -> None:
    red, bad = tmp_path / "red.png", tmp_path / "bad.png"
    red.write_bytes(png(np.full((20, 30, 3), (220, 20, 20), np.uint8)))
    bad.write_bytes(b"no photo")
    with browser(tmp_path / "profile") as tab:
        tab.call("Page.navigate", url=f"{server.address}/")
        tab.until("document.readyState === 'complete' && document.querySelector('h1') !== null")
        tab.choose("#file", red, bad)
        status = tab.until("document.querySelector('article') && document.getElementById('status').textContent")
        label = tab.evaluate("document.querySelector('.label').textContent")
        rows = tab.evaluate(
            "[...document.querySelectorAll('tbody tr')].map(row => row.innerText.split('\\t')[0].trim())"
        )
        widths = tab.evaluate("[...document.querySelectorAll('progress')].map(bar => bar.value)")
        problem = tab.evaluate("document.querySelector('.problem').textContent")
        shown = tab.until("document.querySelector('article img').naturalWidth")
        style = tab.evaluate("getComputedStyle(document.querySelector('.drop')).borderStyle")
        faults = [message for message in tab.messages if message.get("method") in FAULTS]

    assert label == "red/Äpfel"
    assert status.startswith("red/Äpfel, ")
    assert rows[0] == "red/Äpfel"
    assert len(rows) == 3
    assert widths == sorted(widths, reverse=True)
    assert sum(widths) == pytest.approx(1, abs=1e-5)
    assert problem.startswith("bad.png cannot be used as a photo: ")
    assert (shown, style) == (30, "dashed")
    assert faults == []


FAULTS = ("Log.entryAdded", "Runtime.exceptionThrown")
"""What a blocked script, a refused style or a broken line would send."""
