"""bundle.json from a run: what is told, and what of the training machine is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.exporting.fakes import FakeRun
from visionft.exporting.bundle_record import (
    PRIVATE_SETTINGS,
    backbone_of,
    fitted,
    provenance,
    public_settings,
    version_of,
    weights_record,
)
from visionft.metrics import KnownScale, Postprocess
from visionft.settings import FitSettings
from visionft.settings.fields import leaves

WITHIN_PHOTOS = {"data.inside"}
"""Places that are relative to the photos, and tell nothing of the machine."""


def run_of(settings: FitSettings, **more: Any) -> Any:
    return SimpleNamespace(settings=settings, weights_source={}, path=Path("/home/me/runs/first"), origin=None,
                           teacher=None, result={}, environment={}, **more)  # fmt: skip


def test_every_setting_that_is_a_place_stays_on_the_machine_that_trained() -> None:
    places = [leaf.path for leaf in leaves().values() if leaf.is_place and leaf.path not in WITHIN_PHOTOS]
    assert "apply" in places
    inner = {name for name, value in PRIVATE_SETTINGS.items() if value is True}
    inner |= {f"{name}.{key}" for name, value in PRIVATE_SETTINGS.items() if value is not True for key in value}
    assert [path for path in places if path not in inner] == []


def test_no_path_of_the_settings_is_told() -> None:
    home = Path("/home/me/secret")
    settings = FitSettings.model_validate(
        {name: str(home) for name in ("photos", "out", "weights", "retention", "distill", "apply")}
        | {"data": {"splits": str(home)}, "seed": 3}
    )
    told = public_settings(run_of(settings))
    assert "secret" not in str(told)
    assert told["seed"] == 3
    told = provenance(run_of(settings), "f" * 64)
    assert "/home" not in str(told)
    assert (told["run"], told["data_fingerprint"]) == ("first", "f" * 64)


def test_earlier_runs_are_told_by_the_names_of_their_folders(run: FakeRun) -> None:
    origin = {"path": "/home/me/b", "weights_sha256": "1", "origin": {"path": "/home/me/a", "origin": None}}
    told: Any = provenance(replace(run, origin=origin), "")
    assert told["origin"] == {"path": "b", "weights_sha256": "1", "origin": {"path": "a", "origin": None}}
    assert told["teacher"] is None


@pytest.mark.parametrize(
    ("source", "origin", "licence"),
    [
        (
            {"kind": "file", "location": "/home/me/w.safetensors", "licence": "apache-2.0"},
            "w.safetensors",
            "apache-2.0",
        ),
        ({"kind": "hub", "name": "timm/x.ra_in1k"}, "timm/x.ra_in1k", "unknown"),
        ({"kind": "none"}, "none", "none (trained from scratch)"),
        ({}, "none", "unknown"),
    ],
)
def test_weights_are_told_without_the_folders_of_a_file(source: dict[str, Any], origin: str, licence: str) -> None:
    found = weights_record(source)
    assert (found.origin, found.licence) == (origin, licence)


def test_what_was_fitted_has_a_share_only_where_there_is_a_threshold() -> None:
    assert fitted(Postprocess(0.5, KnownScale.plain(), 1.5), 0.9) == {
        "temperature": 0.5, "threshold": 1.5, "accepted": 0.9, "min_confidence": None,
    }  # fmt: skip
    assert fitted(Postprocess.plain(), 0.9) == {
        "temperature": 1.0, "threshold": None, "accepted": None, "min_confidence": None,
    }  # fmt: skip


def test_older_readers_know_the_layout_of_classes(run: FakeRun) -> None:
    assert version_of(run) == 1
    assert version_of(run_of(FitSettings(photos=Path("p"), task="regression"))) == 3


def test_a_network_of_one_s_own_is_called_by_timm_s_name() -> None:
    settings = FitSettings(photos=Path("p"), backbone="/caches/models/123")
    own = run_of(settings)
    own.weights_source = {"model": "/caches/models/123", "name": "resnet18"}
    assert backbone_of(own) == "resnet18"
    assert backbone_of(run_of(FitSettings(photos=Path("p"), backbone="vit"))) == "vit"
