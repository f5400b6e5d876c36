"""What a run ran on."""

from __future__ import annotations

import json
import platform
import sys

import pytest
import torch

from visionft.runs import layout
from visionft.runs.environment import describe


def test_versions_hardware_and_the_command_are_plain_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/home/me/bin/visionft", "fit", "photos"])
    told = describe()
    assert json.loads(json.dumps(told)) == told
    assert told["python"] == platform.python_version()
    assert told["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert told["command"] == ["visionft", "fit", "photos"], "without the folder of the script"
    assert 1 <= told["processor"]["usable_cores"] <= told["processor"]["cores"]
    assert layout.keeps_digests(told)


def test_a_package_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visionft.runs.environment.PACKAGES", ("numpy", "no-such-package"))
    assert list(describe()["packages"]) == ["numpy"]
