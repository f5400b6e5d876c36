"""Each photo is explained once, as its file is now; what cannot be shown has no picture, and ends nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visionft import evaluation
from visionft.photos import digest
from visionft.reporting.album import Encoded
from visionft.reporting.heat_pictures import heat_pictures

RED = (200, 40, 40)


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return what was explained; the picture is a plain one of half the photo's size."""
    calls: list[tuple[Any, ...]] = []

    @contextmanager
    def explainer(run: Any) -> Iterator[Any]:
        def explain(pixels: Any, label: str | None) -> Any:
            calls.append((run, pixels.shape, tuple(pixels[0, 0]), label))
            return SimpleNamespace(picture=np.full((pixels.shape[0] // 2, pixels.shape[1] // 2, 3), 90, np.uint8))

        yield explain

    monkeypatch.setattr(evaluation, "explainer", explainer)
    return calls


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (12, 8), RED).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_photo_is_explained_once_for_the_class_that_is_answered(explained: list[Any], photo: Path) -> None:
    run: Any = "the run"
    with heat_pictures(run, Encoded(photo.parent)) as heat:
        first, second = heat("a.png"), heat("a.png")
    assert explained == [("the run", (8, 12, 3), RED, None)]
    assert first == second
    kind, _, text = str(first).partition(",")
    assert kind == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(text))).size == (6, 4)


def test_a_photo_is_found_by_the_name_that_is_shown_and_compared_with_what_was_measured(
    explained: list[Any], photo: Path
) -> None:
    known = digest(photo.read_bytes())
    files = {"shown": ("a.png", known), "other": ("a.png", "0" * 64), "any": ("a.png", None)}
    run: Any = None
    with heat_pictures(run, Encoded(photo.parent, files)) as heat:
        assert heat("shown") == heat("any") is not None
        assert heat("other") is None  # it changed since
    assert len(explained) == 2


@pytest.mark.parametrize("damage", ["gone", "no photo", "cut"])
def test_what_cannot_be_read_has_no_picture(explained: list[Any], photo: Path, damage: str) -> None:
    whole = photo.read_bytes()
    photo.unlink()
    if damage != "gone":
        photo.write_bytes(b"text" if damage == "no photo" else whole[: len(whole) // 2])
    run: Any = None
    with heat_pictures(run, Encoded(photo.parent)) as heat:
        assert heat("a.png") is None
    assert explained == []


def test_without_a_folder_there_is_none(explained: list[Any]) -> None:
    run: Any = None
    with heat_pictures(run, Encoded(None)) as heat:
        assert heat("a.png") is None
    assert explained == []
