"""What the machine has, said in words and as JSON; the network is asked where that was wanted alone."""

from __future__ import annotations

import json
import platform
import socket
import urllib.request
from importlib.metadata import version
from typing import Any

import pytest
import torch

from visionft.cli import doctor as module
from visionft.cli import main
from visionft.machine.cores import cores

Captured = pytest.CaptureFixture[str]


def told(capsys: Captured, *flags: str) -> dict[str, Any]:
    assert main(["doctor", "--json", *flags]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_versions_and_hardware_are_those_of_this_process(capsys: Captured) -> None:
    found = told(capsys)
    assert (found["python"], found["torch"]) == (platform.python_version(), version("torch"))
    assert (found["cores"], found["threads"]) == (cores(), torch.get_num_threads())
    assert found["free disk here"].endswith(" GiB")
    assert (found["gpu"] == "none") == (not torch.cuda.is_available())


def test_the_words_have_a_line_for_each_and_the_next_command(capsys: Captured) -> None:
    names = told(capsys).keys()
    assert main(["doctor"]) == 0
    *lines, following = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0].strip() for line in lines] == list(names)
    assert following == "Next: visionft fit PHOTOS"


def test_what_is_missing_is_said(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PACKAGES", ("visionft", "no-such-package"))
    assert told(capsys)["no-such-package"] == "not installed"


def test_the_hub_is_asked_only_where_that_was_wanted(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refused(url: str, timeout: float) -> Any:
        asked.append(url)
        raise socket.gaierror("no name")

    monkeypatch.setattr(urllib.request, "urlopen", refused)
    assert "hub" not in told(capsys)
    assert asked == []
    said = "https://huggingface.co does not answer (no name); give --weights FILE to fit"
    assert told(capsys, "--network")["hub"] == said
    assert asked == ["https://huggingface.co"]
