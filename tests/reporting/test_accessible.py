"""The pages of a report and of a comparison for everybody: at every width, and without a finding of axe-core.

$VISIONFT_AXE names the file axe.min.js (`npm install axe-core`, then node_modules/axe-core/axe.min.js).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.export_folder.browsing import AXE, Browser, axe_findings, browsing, chromium
from tests.reporting.conftest import Make
from tests.reporting.test_comparison_page import made, origins
from visionft.reporting import report_evaluation
from visionft.reporting.album import Encoded
from visionft.reporting.comparison_page import write_comparison

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="SKIPPED ALOUD: no Chromium on the path; install it"),
]
WIDTHS = (380, 800, 1600)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Browser]:
    program = chromium()
    assert program is not None
    with browsing(program, tmp_path / "profile") as found:
        found.send("Runtime.enable")
        yield found


@pytest.fixture(params=["report", "compare"])
def page(request: pytest.FixtureRequest, evaluated: Make, tmp_path: Path) -> Path:
    if request.param == "compare":
        return write_comparison(made(tmp_path / "compared", 3, 40, 12), origins(3), tmp_path / "compare.html")
    evaluation = evaluated(12, 60)
    return report_evaluation(tmp_path / "figures", None, Encoded(evaluation.root, evaluation.files()))


def opened(tab: Browser, page: Path, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    tab.send("Emulation.setDeviceMetricsOverride", **size)
    tab.go(page.as_uri())
    tab.until("document.readyState === 'complete' && document.querySelector('main') !== null")


def test_a_page_fits_every_width(tab: Browser, page: Path) -> None:
    for width in WIDTHS:
        opened(tab, page, width)
        assert tab.run("document.documentElement.scrollWidth") <= width, "tables scroll by themselves"
        tab.until("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


@pytest.mark.skipif(AXE not in os.environ, reason="SKIPPED ALOUD: $VISIONFT_AXE does not name the file axe.min.js")
def test_axe_finds_nothing_in_light_and_dark(tab: Browser, page: Path) -> None:
    for scheme in ("light", "dark"):
        tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        opened(tab, page, 800)
        tab.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert axe_findings(tab) == []
