"""What a fit says of its choices: those that have an effect, and where the weights come from."""

from __future__ import annotations

import json
from pathlib import Path

import visionft as vft


def test_choices_without_effect_are_kept_and_not_said(shapes: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run = vft.fit(
        shapes, out=tmp_path / "run", method="head", backbone="visionft_pico", say=said.append,
        **{"hardware.device": "cpu"},
    )  # fmt: skip
    spoken = [line.strip().partition(" = ")[0] for line in said if line.startswith("  ") and " = " in line]
    assert spoken == ["hardware.threads", "hardware.workers", "preprocess.mode"]
    kept = {
        choice["setting"]: choice["value"] for choice in json.loads((run.path / "choices.json").read_text())["choices"]
    }
    assert (kept["epochs"], kept["weights"]) == (0, "hub")
    assert {"optim.lr", "optim.batch_size", "optim.ema", "augment.strength"} <= set(kept)
    assert "weights: visionft_pico, part of visionft (licence: apache-2.0)" in said
