"""audit.html: its pictures lie in it, and names and pictures have bounds."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from visionft.auditing import page as module
from visionft.auditing.audit import Audit
from visionft.auditing.findings import Finding
from visionft.auditing.page import SHOWN, THUMB, TOGETHER, page
from visionft.data import QuickAudit
from visionft.data.sources.listing import COLUMNS, Listing

FACTS = {"photos_looked_at": 2, "backbone": "pico", "threshold": 0.9, "threshold_means": "likeness"}


def audit_of(root: Path, *findings: Finding) -> Audit:
    overview = QuickAudit(root, Listing(root, pa.table({name: [] for name in COLUMNS.names}, COLUMNS)))
    return Audit(root, overview, root, findings, (), FACTS)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name, size in (("wide.png", (600, 300)), ("small.png", (20, 30))):
        levels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(levels).save(tmp_path / name)
    return tmp_path


def test_pictures_are_drawn_anew_and_no_larger_than_a_thumbnail(photos: Path) -> None:
    sizes = []
    for name in ("wide.png", "small.png"):
        with Image.open(BytesIO(base64.b64decode(module._thumbnail(photos / name)))) as picture:
            sizes.append((picture.format, picture.size))
    assert sizes == [("JPEG", (THUMB, THUMB // 2)), ("JPEG", (20, 30))]


def test_a_photo_that_is_gone_is_named_without_its_picture(photos: Path) -> None:
    text = page(audit_of(photos, Finding("blank", "no contrast", ("gone.png",))))
    assert "gone.png" in text
    assert "data:image" not in text


def test_more_pictures_than_a_finding_shows_are_counted(photos: Path) -> None:
    text = page(audit_of(photos, Finding("copy", "9 copies", ("small.png",) * (TOGETHER + 3))))
    assert text.count("data:image/jpeg;base64,") == TOGETHER
    many = audit_of(photos, *[Finding("blank", f"number {at:03}") for at in range(SHOWN + 1)])
    assert f"number {SHOWN - 1:03}" in page(many)
    assert f"number {SHOWN:03}" not in page(many)


def test_pictures_end_where_the_page_would_become_too_large(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    text = page(audit_of(photos, Finding("copy", "2 copies", ("small.png", "wide.png"))))
    assert text.count("data:image/jpeg;base64,") == 1
    assert "wide.png" in text


def test_names_are_text(photos: Path) -> None:
    text = page(audit_of(photos, Finding("unreadable", "<script>alert(1)</script>", ("<img src=x>.jpg",))))
    assert "<script" not in text
    assert "<img src=x>" not in text


@pytest.mark.parametrize(
    ("size", "divisor"), [((3000, 4000), 8), ((600, 900), 2), ((2400, 100), 8), ((1200, 1200), 4), ((500, 500), 1)]
)
def test_large_photos_are_reduced_while_they_are_decoded_as_far_as_twice_the_thumbnail(
    size: tuple[int, int], divisor: int
) -> None:
    assert module._reduction(*size) == divisor
    assert divisor == 1 or max(size) // divisor >= 2 * THUMB
