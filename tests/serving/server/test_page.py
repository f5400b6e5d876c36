"""The page in a real browser: a photo is chosen and its answer appears, under the page's own policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.export_folder.browsing import browsing, chromium
from tests.serving.server.processes import Served, png

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="SKIPPED ALOUD: no Chromium on the path; install it"),
]


def test_a_chosen_photo_is_answered_with_bars(server: Served, tmp_path: Path) -> None:
    red, bad = tmp_path / "red.png", tmp_path / "bad.png"
    red.write_bytes(png(np.full((20, 30, 3), (220, 20, 20), np.uint8)))
    bad.write_bytes(b"no photo")
    program = chromium()
    assert program is not None
    with browsing(program, tmp_path / "profile") as tab:
        for domain in ("DOM", "Runtime", "Log"):
            tab.send(f"{domain}.enable")
        tab.go(f"{server.address}/")
        tab.until("document.readyState === 'complete' && document.querySelector('h1') !== null")
        tab.choose("#file", red, bad)
        status = tab.until("document.querySelector('article') && document.getElementById('status').textContent")
        label = tab.run("document.querySelector('.label').textContent")
        rows = tab.run("[...document.querySelectorAll('tbody tr')].map(row => row.innerText.split('\\t')[0].trim())")
        widths = tab.run("[...document.querySelectorAll('progress')].map(bar => bar.value)")
        problem = tab.run("document.querySelector('.problem').textContent")
        shown = tab.until("document.querySelector('article img').naturalWidth")
        style = tab.run("getComputedStyle(document.querySelector('.drop')).borderStyle")
        faults = [message for message in tab.events if message.get("method") in FAULTS]

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
