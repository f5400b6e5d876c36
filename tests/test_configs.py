"""Every published config is run: its own method, phases and choices, on small photos with a small backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import visionft
from tests.effective import SMALL, effective
from visionft.cli.app import build_app
from visionft.runs import layout
from visionft.settings import GradualMethod, LoraMethod, build

FOLDER = Path(__file__).resolve().parents[1] / "configs"
CONFIGS = sorted(FOLDER.rglob("*.y*ml"))
PUBLISHED = 5


def small(config: Path, photos: Path) -> dict[str, Any]:
    """Return what makes a run of the config small: explicit phases bring their epochs, `head` needs none."""
    method = build(photos, config).method
    own = method.name == "head" or (isinstance(method, GradualMethod) and method.phases != "auto")
    flags = SMALL if own else {**SMALL, "epochs": 1}
    if isinstance(method, LoraMethod):  # which is for transformers
        flags = {**flags, "backbone": "test_vit", "preprocess.size": "none", "augment.size": 160}
    return effective(flags, build(photos, config))


def test_every_config_is_found() -> None:
    assert len(CONFIGS) == PUBLISHED


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.stem)
def test_config_runs(config: Path, shapes: Path, tmp_path: Path) -> None:
    asked = build(shapes, config)
    lines: list[str] = []

    run = visionft.fit(shapes, config=config, out=tmp_path / "run", say=lines.append, **small(config, shapes))

    assert {entry.name for entry in run.path.iterdir()} >= layout.RECORDS | {layout.WEIGHTS, layout.RESULT}
    assert run.settings.method.name == asked.method.name
    if isinstance(asked.method, GradualMethod):
        assert isinstance(run.settings.method, GradualMethod)
        assert run.settings.method.phases == asked.method.phases
    assert run.settings.optim.class_weights == asked.optim.class_weights
    mode = asked.preprocess.mode
    assert run.settings.preprocess.mode == ("crop" if mode == "auto" else mode)  # the shapes are about as long as wide
    assert any(line.startswith("test: ") for line in lines)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.stem)
def test_the_command_in_its_opening_parses(config: Path) -> None:
    line = next(line for line in config.read_text(encoding="utf-8").splitlines() if line.startswith("# Use: "))
    assert line == f"# Use: visionft fit PHOTOS --config configs/{config.name}"

    command, bound, _ = build_app().parse_args(line.split()[3:], exit_on_error=False, print_error=False)

    assert command.__name__ == "fit"
    assert bound.arguments["config"] == Path("configs") / config.name
