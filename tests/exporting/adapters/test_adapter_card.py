"""The model card of a bundle with adapters."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from visionft.exporting import Exported


def test_the_card_s_code_runs(adapted: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(adapted.bundle, tmp_path / "bundle")
    shutil.copy(folder / "golden" / "shoes" / "00.png", folder / "photo.jpg")
    card = (folder / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(folder)
    said: list[tuple[Any, ...]] = []

    exec(card.partition("```python\n")[2].partition("```")[0], {"print": lambda *words: said.append(words)})

    expected = json.loads((folder / "golden" / "shoes" / "expected.json").read_text(encoding="utf-8"))["photos"][0]
    assert said[0][0] == expected["label"]
    assert said[0][1] == pytest.approx(expected["probability"], abs=1e-3)
    assert "| qv.only | " in card
