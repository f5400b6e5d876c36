from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points, files, metadata
from pathlib import Path

import pytest

import visionft

REPOSITORY = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    os.environ.get("VISIONFT_WHEEL") != "1", reason="not under `make test`: visionft may come from anywhere"
)


def test_the_tests_see_the_installed_wheel_and_not_the_repository() -> None:
    place = Path(visionft.__file__).resolve()

    assert "site-packages" in place.parts
    assert place.parent != REPOSITORY / "visionft"


def test_processes_that_tests_start_in_the_repository_see_the_wheel_too() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", "import visionft; print(visionft.__file__)"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(answer.stdout.strip()).resolve() == Path(visionft.__file__).resolve()


def test_the_wheel_holds_every_source_file_and_the_type_marker() -> None:
    sources = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "visionft").rglob("*.py")}
    installed = {str(path) for path in files("visionft") or []}

    assert len(sources) > 10
    assert sources | {"visionft/py.typed", "visionft/backbones/pico/pico.safetensors"} <= installed


def test_the_wheel_says_what_it_is() -> None:
    about = metadata("visionft")

    assert about["License-Expression"] == "Apache-2.0"
    assert about.get_all("License-File") == ["LICENSE", "visionft/backbones/pico/LICENSE"]
    assert about["Requires-Python"] == ">=3.11"
    assert [entry.value for entry in entry_points(group="console_scripts", name="visionft")] == ["visionft.cli:main"]
