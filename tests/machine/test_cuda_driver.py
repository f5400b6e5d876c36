"""A CUDA device that cannot be here is known without torch."""

from __future__ import annotations

import importlib.metadata

import pytest

from visionft.machine import cuda_driver
from visionft.machine.cuda_driver import surely_none


@pytest.mark.parametrize(
    ("visible", "build", "driver", "expected"),
    [
        (None, "2.14.1", True, False),
        (None, "2.14.1+cu130", False, True),
        (None, "2.14.1+cpu", True, True),
        (None, "2.14.1+rocm6.4", False, False),
        ("0", "2.14.1", True, False),
        ("", "2.14.1", True, True),
        ("-1", "2.14.1+rocm6.4", True, True),
    ],
)
def test_only_what_is_certain_is_said(
    visible: str | None, build: str, driver: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: build)
    monkeypatch.setattr(cuda_driver, "_has_driver", lambda: driver)
    assert surely_none() is expected


def test_a_library_that_is_not_there_is_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_driver, "_DRIVER", "libno-such-driver.so.1")
    assert not cuda_driver._has_driver()
