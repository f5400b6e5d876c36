"""The temporary environment that holds a target."""

from __future__ import annotations

import venv

import pytest

from visionft.errors import TargetError
from visionft.exporting.target import Target, environment


def test_an_environment_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(venv, "create", fails)
    with (
        pytest.raises(TargetError, match=r"no temporary environment for onnxruntime==1\.17\.3 .*No space left"),
        environment(Target.parse("onnxruntime==1.17.3")),
    ):
        pass


@pytest.mark.slow
def test_a_version_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(
            TargetError, match=r"onnxruntime==1\.17\.99 cannot be installed for Python 3\.\d+\.\d+ \(Could no"
        ),
        environment(Target.parse("onnxruntime==1.17.99")),
    ):
        pass
