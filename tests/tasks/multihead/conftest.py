"""Photos with three columns, a run that learnt two of them, one that goes on with the third, and their bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import visionft as vft

TWO, THREE = "kind,edge", "kind,edge,half"
UNKNOWN = 4
"""One photo in four is of an unknown half."""


@pytest.fixture(scope="session")
def catalogue(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a manifest of the shapes: what they are, whether they are round, and by their number early or late."""
    rows = []
    for photo in sorted(shapes.rglob("*.jpg")):
        kind, number = photo.parent.name, int(photo.stem)
        half = "" if number % UNKNOWN == 1 else "early" if number % 2 else "late"
        side = "train" if number < 12 else "validation" if number < 16 else "test"
        rows.append(f"{photo},{kind},{'round' if kind == 'disc' else 'straight'},{half},{side}")
    place = tmp_path_factory.mktemp("catalogue") / "catalogue.csv"
    place.write_text("\n".join(["path,kind,edge,half,split", *rows]) + "\n")
    return place


@pytest.fixture(scope="session")
def solved(small: dict[str, Any]) -> dict[str, Any]:
    """Return the flags of solved heads."""
    kept = {name: small[name] for name in ("hardware.workers", "hardware.threads", "hardware.device")}
    return {**kept, "method": "head", "task": "multihead", "report.pictures": "none"}


@pytest.fixture(scope="session")
def run(catalogue: Path, solved: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    wanted = {**solved, "backbone": "visionft_pico", "weights": "auto", "preprocess.size": 32}
    out = tmp_path_factory.mktemp("multihead") / "run"
    return vft.fit(catalogue, out=out, **wanted, **{"data.label_column": TWO}, say=lambda _: None)


@pytest.fixture(scope="session")
def said() -> list[str]:
    """Return what the run that goes on said."""
    return []


@pytest.fixture(scope="session")
def grown(
    run: vft.Run, said: list[str], catalogue: Path, solved: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> vft.Run:
    """Return a run that went on with one more head."""
    out = tmp_path_factory.mktemp("grown") / "run"
    return vft.fit(
        catalogue,
        out=out,
        from_run=run.path,
        **solved,
        **{"data.label_column": THREE},
        say=lambda s: said.append(str(s)),
    )


@pytest.fixture(scope="session")
def bundle(run: vft.Run) -> Path:
    return vft.export(run).bundle


@pytest.fixture(scope="session")
def grown_bundle(grown: vft.Run) -> Path:
    return vft.export(grown).bundle
