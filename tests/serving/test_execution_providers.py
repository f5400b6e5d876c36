"""What the network runs on, and the sentence where it is something else than was asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import onnxruntime as ort
import pytest

from visionft.serving.execution_providers import available, confirm


def has(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: list(names))


def test_what_is_there_is_taken_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "CPUExecutionProvider", "CUDAExecutionProvider")
    said: list[str] = []
    assert available("cuda", said.append) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert available("cpu", said.append) == ("CPUExecutionProvider",)
    assert said == []


def test_what_is_missing_is_said_with_what_runs_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "CPUExecutionProvider")
    said: list[str] = []
    assert available("tensorrt", said.append) == ("CPUExecutionProvider",)
    assert said == [
        f"--provider tensorrt cannot be used (this onnxruntime {ort.__version__} was built without it), so the network "
        "runs on CPUExecutionProvider: pip install onnxruntime-gpu in its place, on a machine with its libraries and "
        "device"
    ]


@pytest.mark.parametrize(
    ("there", "running", "short", "told"),
    [
        (("CUDAExecutionProvider",), "CUDAExecutionProvider", "cuda", 0),
        (("CUDAExecutionProvider",), "CPUExecutionProvider", "cpu", 1),  # its libraries are missing
        ((), "CPUExecutionProvider", "cpu", 0),  # that was said before
    ],
)
def test_what_it_really_runs_on_is_known(
    there: tuple[str, ...], running: str, short: str, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, *there, "CPUExecutionProvider")
    session: Any = SimpleNamespace(get_providers=lambda: [running, "CPUExecutionProvider"])
    said: list[str] = []
    assert confirm("cuda", session, said.append) == short
    assert len(said) == told
