"""The page in a real browser: at every width, by mouse and keyboard, in light and dark, with and without script."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.export_folder.browsing import Browser, browsing, chromium
from tests.reporting.conftest import Make
from visionft.evaluation import Evaluation
from visionft.reporting import report_evaluation
from visionft.reporting.album import Encoded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="SKIPPED ALOUD: no Chromium on the path; install it"),
]
WIDTHS = (380, 800, 1600)
FAULTS = ("Log.entryAdded", "Runtime.exceptionThrown")
"""What a refused script, style or picture, or a broken line, would send."""
SORTED = "[...document.querySelectorAll('table[data-sorts] tbody th')].map(cell => cell.textContent)"


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Browser]:
    program = chromium()
    assert program is not None
    with browsing(program, tmp_path / "profile") as found:
        for domain in ("Runtime", "Log", "Network", "DOM"):
            found.send(f"{domain}.enable")
        yield found
        assert [message for message in found.events if message.get("method") in FAULTS] == []
        asked = [m["params"]["request"]["url"] for m in found.events if m.get("method") == "Network.requestWillBeSent"]
        assert {address.partition(":")[0] for address in asked} <= {"file", "data"}
        assert {address for address in asked if address.startswith("file:")} == {(tmp_path / PAGE).as_uri()}


PAGE = "figures/report.html"


def shown(tab: Browser, evaluation: Evaluation, tmp_path: Path, **metrics: Any) -> None:
    report_evaluation(tmp_path / "figures", None, Encoded(evaluation.root, evaluation.files()))
    size = {"width": 800, "height": 900, "deviceScaleFactor": 1, "mobile": False, **metrics}
    tab.send("Emulation.setDeviceMetricsOverride", **size)
    tab.go((tmp_path / PAGE).as_uri())
    tab.until("document.readyState === 'complete' && document.querySelector('main') !== null")


def test_it_fits_every_width_and_its_pictures_are_there(tab: Browser, evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(30, 120)
    for width in WIDTHS:
        shown(tab, evaluation, tmp_path, width=width)
        assert tab.run("document.documentElement.scrollWidth") <= width, "tables scroll by themselves"
        tab.until("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        assert tab.run("document.images.length") > 20


def test_it_is_light_or_dark_as_its_reader_has_it(tab: Browser, evaluated: Make, tmp_path: Path) -> None:
    evaluation, found = evaluated(2, 20), {}
    for scheme in ("light", "dark"):
        tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        shown(tab, evaluation, tmp_path)
        paper = tab.run("getComputedStyle(document.body).backgroundColor")
        found[scheme] = [paper, tab.run("getComputedStyle(document.querySelector('svg text')).fill")]
    assert found == {
        "light": ["rgb(255, 255, 255)", "rgb(29, 35, 43)"], "dark": ["rgb(20, 24, 29)", "rgb(230, 233, 237)"],
    }  # fmt: skip


def test_a_heading_sorts_by_mouse_and_keyboard(tab: Browser, evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(10, 300)
    shown(tab, evaluation, tmp_path)
    rows = evaluation.metrics.per_class
    assert tab.run(SORTED) == [row.name for row in rows]
    tab.run("document.querySelectorAll('table[data-sorts] th button')[1].click()")
    rising = tab.run(SORTED)
    recall = {row.name: row.recall or 0.0 for row in rows}
    assert [recall[name] for name in rising] == sorted(recall.values())
    assert (
        tab.run("document.querySelectorAll('table[data-sorts] thead th')[1].getAttribute('aria-sort')") == "ascending"
    )
    tab.run("document.querySelectorAll('table[data-sorts] th button')[1].focus()")
    for kind in ("keyDown", "keyUp"):
        tab.send("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)
    falling = tab.run(SORTED)
    assert [recall[name] for name in falling] == sorted(recall.values(), reverse=True)


@pytest.mark.parametrize("classes", [10, 30])
def test_a_cell_opens_its_photos(tab: Browser, evaluated: Make, tmp_path: Path, classes: int) -> None:
    shown(tab, evaluated(classes, 120), tmp_path)
    cell = "[...document.querySelectorAll('.matrix td.wrong a, svg.heat a')][0]"
    place = tab.run(f"{cell}.getAttribute('href').slice(1)")
    holder = f"document.getElementById('{place}').closest('details')"
    assert tab.run(f"{holder}.open") is False
    tab.run(f"{cell}.dispatchEvent(new MouseEvent('click', {{bubbles: true, cancelable: true, view: window}}))")
    tab.until(f"{holder}.open")
    tab.until(f"document.activeElement === {holder}.querySelector('summary')")
    assert tab.run(f"{holder}.querySelectorAll('img').length") >= 1


def test_without_script_everything_is_there(tab: Browser, evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(10, 60)
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    shown(tab, evaluation, tmp_path)
    assert tab.run("document.querySelectorAll('table[data-sorts] button').length") == 0
    assert tab.run(SORTED) == list(evaluation.metrics.classes)
    assert tab.run("getComputedStyle(document.querySelector('table[data-sorts]')).display") == "table"


def test_a_screen_reader_finds_its_way(tab: Browser, evaluated: Make, tmp_path: Path) -> None:
    shown(tab, evaluated(10, 60), tmp_path)
    nodes = tab.send("Accessibility.getFullAXTree")["nodes"]
    roles: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert len(roles["main"]) == len(roles["navigation"]) == 1
    assert [name for name in (*roles["link"], *roles["button"], *roles["image"], *roles["region"]) if not name] == []
    assert "Confusion matrix" in roles["table"]
    assert tab.run("document.documentElement.lang") == "en"
    levels = tab.run("[...document.querySelectorAll('h1, h2, h3, h4')].map(head => Number(head.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), "no level is skipped"
