"""One small export for the tests that only read it."""

from __future__ import annotations

import copy
from pathlib import Path

import onnx
import pytest

from tests.exporting.adapted import AdaptedFake, three_runs
from tests.exporting.fakes import FakeRun, fake_run
from visionft.exporting import Exported, export, export_adapters
from visionft.exporting.onnx_model import build
from visionft.settings import ExportSettings


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> FakeRun:
    return fake_run(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def exported(run: FakeRun, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return an export that no test may change."""
    return export(run, tmp_path_factory.mktemp("exported") / "bundle", ExportSettings(accept=0.8))


@pytest.fixture(scope="session")
def bundle(exported: Exported) -> Path:
    return exported.bundle


@pytest.fixture(scope="session")
def built(run: FakeRun) -> onnx.ModelProto:
    """Return the graph of `run`, which no test may change."""
    return build(run.trained, run.preprocess, run.classes, run.answering(0.95))


@pytest.fixture
def prebuilt(built: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the exporter: what follows it is under test."""
    monkeypatch.setattr("visionft.exporting.export_bundle.build", lambda *_: copy.deepcopy(built))


@pytest.fixture(scope="session")
def low_rank(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AdaptedFake]:
    """Return three runs of LoRA on one base, by name."""
    return three_runs(tmp_path_factory.mktemp("low_rank"))


@pytest.fixture(scope="session")
def adapted(low_rank: dict[str, AdaptedFake], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return the bundle of the three runs, which no test may change."""
    return export_adapters(low_rank, tmp_path_factory.mktemp("adapted") / "bundle", ExportSettings(accept=0.8))
