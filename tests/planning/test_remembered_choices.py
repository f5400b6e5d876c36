"""A repeat of a run is a repeat, whatever the stopwatch says the second time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from visionft import backbones
from visionft.backbones import sha256
from visionft.data.caches import cache_folder
from visionft.planning import remembered_choices
from visionft.planning.choices import Choice, put
from visionft.runs import Run, layout
from visionft.settings import FitSettings

FIT = """
import sys
from visionft.planning import precision

def stopwatch(network, size, ways, *_, **__):
    fast = precision.DTYPES[sys.argv[3]]
    return {way: 0.1 if way.dtype == fast else 1.0 for way in ways}

precision.seconds_per_photo = stopwatch
precision.has_bf16 = lambda device: True
import visionft
visionft.fit(
    sys.argv[1], out=sys.argv[2], backbone="visionft_pico", epochs=1, preprocess={"size": 32}, seed=3,
    augment={"size": 32}, optim={"batch_size": 8}, hardware={"device": "cpu", "threads": 1, "workers": 0},
)
"""


def fit(shapes: Path, out: Path, faster: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", FIT, str(shapes), str(out), faster], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return str(Run.open(out).settings.hardware.precision), done.stdout


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
def test_two_runs_are_bit_equal_though_the_stopwatch_turns_about(shapes: Path, tmp_path: Path) -> None:
    first, _ = fit(shapes, tmp_path / "a", "bf16")
    second, said = fit(shapes, tmp_path / "b", "fp32")
    assert (first, second) == ("bf16", "bf16")
    assert sha256(tmp_path / "a" / layout.WEIGHTS) == sha256(tmp_path / "b" / layout.WEIGHTS)
    assert "`visionft cache --clear` tries again" in said


def settings(**flags: object) -> FitSettings:
    given = {"backbone": "test_resnet", "epochs": 2, "augment.size": 32, "optim.batch_size": 8, **flags}
    return put(FitSettings(photos=Path("photos")), [Choice(name, value, "given") for name, value in given.items()])


@pytest.mark.usefixtures("cache")
def test_a_choice_is_kept_for_what_it_is_about_alone() -> None:
    network, lines = backbones.create("test_resnet", "none", 3), list[str]()

    def chosen(value: str, **flags: object) -> str:
        about = remembered_choices.of_step(settings(**flags), network)
        made = remembered_choices.remembered(
            "precision", about, lambda: [Choice("hardware.precision", value, "why")], lines.append
        )
        return f"{made[0].value} {made[0].reason}"

    assert chosen("bf16") == "bf16 why"
    assert chosen("fp32").startswith("bf16 why, as on 2")
    assert chosen("fp32", seed=5, **{"optim.lr": 0.1}).startswith("bf16 why, as on"), "neither changes a step's time"
    for flag, value in (
        ("augment.size", 64), ("optim.batch_size", 16), ("backbone", "test_vit"), ("hardware.threads", 7),
        ("method", {"name": "lora"}), ("hardware.channels_last", True), ("optim.norm_statistics", "batch"),
    ):  # fmt: skip
        assert chosen("fp32", **{flag: value}) == "fp32 why", flag
    assert lines == []


def test_where_it_cannot_be_kept_that_is_said(cache: Path) -> None:
    cache.write_text("in the way")
    lines: list[str] = []
    remembered_choices.remembered("precision", {}, lambda: [Choice("a", 1, "why")], lines.append)
    assert lines == [
        f"note: the choice of precision cannot be kept in {cache}, so that another run may choose otherwise; set "
        "$VISIONFT_CACHE to a folder that can be written"
    ]


def test_the_machine_and_the_versions_are_named() -> None:
    assert set(remembered_choices.machine()) == {"kind", "processor", "cores", "gpu"}
    assert {"python", "torch", "timm", "visionft"} == set(remembered_choices.versions())
