from __future__ import annotations

from typing import Any

import numpy as np

from visionft.auditing.photo_faults import blurs, photo_faults
from visionft.auditing.photo_features import FORMATS, MODES, Features


def photos(n: int, **columns: dict[int, Any]) -> tuple[Features, list[str]]:
    usual = {
        "low": 20.0, "high": 230.0, "contrast": 60.0, "sharpness": 500.0, "width": 400, "height": 500,
        "kind": FORMATS.index("JPEG"), "mode": MODES.index("RGB"), "colourless": False,
    }  # fmt: skip
    records = np.zeros(n, [(name, "?" if name == "colourless" else "<f4") for name in usual])
    records = records.astype(
        [(name, "i4" if name in ("kind", "mode", "width", "height") else kind) for name, kind in records.dtype.descr]
    )
    for name, value in usual.items():
        records[name] = value
        for at, other in columns.get(name, {}).items():
            records[name][at] = other
    return Features(records, np.arange(n)), [f"{at}.jpg" for at in range(n)]


def kinds(n: int = 40, **columns: dict[int, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in photo_faults(*photos(n, **columns)):
        found.setdefault(finding.kind, []).extend(finding.photos)
    return found


def test_sound_photos_have_no_faults() -> None:
    assert kinds() == {}


def test_each_fault_is_named_by_its_figure() -> None:
    assert kinds(contrast={3: 1.0}, high={3: 20.0}, sharpness={3: 0.0}) == {"blank": ["3.jpg"]}
    assert kinds(high={1: 30.0}) == {"dark": ["1.jpg"]}
    assert kinds(low={1: 230.0}) == {"bright": ["1.jpg"]}
    assert kinds(sharpness={2: 8.0}) == {"blurred": ["2.jpg"]}
    assert kinds(width={5: 32}, height={5: 40}) == {"tiny": ["5.jpg"]}
    assert kinds(width={5: 2500}) == {"shape": ["5.jpg"]}
    assert kinds(kind={6: FORMATS.index("PNG")}) == {"extension": ["6.jpg"]}
    assert kinds(kind={6: FORMATS.index("MPO")}) == {}
    assert kinds(mode={7: MODES.index("CMYK")}) == {"mode": ["7.jpg"]}


def test_a_set_that_is_grey_throughout_is_no_finding() -> None:
    assert kinds(colourless=dict.fromkeys(range(40), True)) == {}
    assert kinds(colourless={1: True}) == {"mode": ["1.jpg"]}


def test_blur_is_judged_by_the_set() -> None:
    soft = np.full(50, 100.0, np.float32) + np.arange(50)
    assert not blurs(soft).any()
    soft[0] = 4.0
    assert np.flatnonzero(blurs(soft)).tolist() == [0]
    assert not blurs(np.empty(0, np.float32)).any()


def test_a_blank_photo_is_suggested_to_be_dropped_and_a_blurred_one_to_be_looked_at() -> None:
    found = photo_faults(*photos(40, contrast={0: 0.5}, sharpness={1: 5.0}))
    assert [(s.path, s.action) for f in found for s in f.suggestions] == [("0.jpg", "drop"), ("1.jpg", "review")]
