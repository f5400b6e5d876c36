"""The page of a comparison: what it says, what it asks for, and what it must not hold."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.reporting.conftest import MARK, draw
from tests.reporting.reading import Page
from visionft.evaluation import SideBySide
from visionft.photos import digest
from visionft.reporting.album import Album, Encoded
from visionft.reporting.comparison_page import PHOTOS, Origin, differing, render, write_comparison

EPOCHS = [{"epoch": epoch, "val_loss": 1 / (1 + epoch), "val_top1": 0.5 + epoch / 20} for epoch in range(4)]


def made(root: Path, k: int, n: int, classes: int) -> SideBySide:
    """Return k subjects of which each is wrong on other photos, on n noisy photos with metadata."""
    random = np.random.default_rng(0)
    names = np.array([f"class {place:03}" for place in range(classes)], object)
    root.mkdir(exist_ok=True)
    paths = [f"{place:04}.jpg" for place in range(n)]
    for path in paths[:40]:
        draw(root / path, random)
    digests = [digest((root / path).read_bytes()) if (root / path).is_file() else "0" * 64 for path in paths]
    truth = names[np.arange(n) % classes]
    label = np.array([np.where(random.random(n) < 0.3, names[(np.arange(n) + 1) % classes], truth) for _ in range(k)])
    sure = random.uniform(0.4, 1, (k, n))
    return SideBySide(
        tuple(Path(f"runs/{place}") for place in range(k)), (False,) * k, "test", root, tuple(paths), tuple(digests),
        truth, label, sure, np.where(label == truth, sure, 0.1), ("something is odd",),
    )  # fmt: skip


def origins(k: int) -> list[Origin]:
    return [Origin("full on net", {"lr": 0.1 * place, "seed": 0}, EPOCHS, 60.0) for place in range(k)]


def test_it_holds_every_figure_curve_and_photo_and_asks_for_nothing(tmp_path: Path) -> None:
    found = made(tmp_path / "photos", 3, 40, 4)
    file = write_comparison(found, origins(3), tmp_path / "pages" / "compare.html")
    text = file.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.rows[1][:2] == ["A", "runs/0"]
    assert page.rows[1][3] == f"{found.top1[0]:.1%}"
    assert ["B against A", f"{100 * found.pairs[0].change:+.1f}"] in [row[:2] for row in page.rows]
    assert ["lr", "0", "0.1", "0.2"] in page.rows
    assert not any(row[:1] == ["seed"] for row in page.rows)
    assert len(page.of("svg")) == 2
    assert "Note: something is odd." in text
    pictures = page.of("img")
    shown = sum(min(PHOTOS, len(found.apart(*side))) for side in ((0, 1), (1, 0), (0, 2), (2, 0)))
    assert len(pictures) == shown > 20
    assert all(each["src"].startswith("data:image/webp;base64,") and each["alt"] for each in pictures)
    assert not re.search(r'(?:src|href)="(?!data:|#)', text), "nothing is asked for"
    assert "default-src &#39;none&#39;" in text
    assert MARK.decode() not in text


def test_pictures_carry_no_metadata_and_none_are_there_where_none_are_wanted(tmp_path: Path) -> None:
    found = made(tmp_path / "photos", 2, 12, 3)
    encoded = Encoded(found.root, {path: (path, one) for path, one in zip(found.paths, found.digests, strict=True)})
    for path in found.paths[:3]:
        uri, _ = encoded.of(path)
        assert uri is not None
        assert MARK not in _bytes(uri)
    bare = render(found, origins(2), Album(encoded, wanted=False))
    assert "data:image" not in bare.partition("</head>")[2]
    assert "asked to hold no pictures" in bare


def test_many_classes_and_subjects_stay_below_five_megabytes(tmp_path: Path) -> None:
    found = made(tmp_path / "photos", 12, 1200, 250)
    file = write_comparison(found, origins(12), tmp_path / "compare.html")
    assert file.stat().st_size < 5_000_000
    assert "The first 200 of 250." in file.read_text(encoding="utf-8")


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\x1b"
    found = made(tmp_path / "photos", 2, 12, 3)
    found = replace(
        found, subjects=(Path(evil), Path("b")), truth=np.where(found.truth == "class 000", evil, found.truth)
    )
    text = render(found, [Origin(evil, {evil: evil}), Origin("b", {})], Album(Encoded(None)))
    assert "<script>alert(1)" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([{"a": 1}, {"a": 1}], []),
        ([{"a": 1, "b": 2}, {"a": 1}], [("b", [2, None])]),
        ([{"a": 1}, {"a": 1}, {"a": 2}], [("a", [1, 1, 2])]),
    ],
)
def test_only_what_differs_is_a_row(settings: list[dict[str, Any]], expected: list[Any]) -> None:
    assert differing(settings) == expected


def _bytes(uri: str) -> bytes:
    import base64
    import io

    data = base64.b64decode(uri.partition(",")[2])
    assert not Image.open(io.BytesIO(data)).getexif()
    return data
