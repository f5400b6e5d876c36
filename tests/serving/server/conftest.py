from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundle.making import make_bundle
from tests.serving.server.processes import Served, served


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("served") / "colours")


@pytest.fixture(scope="session")
def slow_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle whose network takes about 5 ms a level of the photo."""
    return make_bundle(tmp_path_factory.mktemp("slow") / "turns", slow=8000)


@pytest.fixture(scope="session")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server that no test may end."""
    with served(
        bundle, tmp_path_factory.mktemp("log") / "log", "--max-bytes", "200000", "--max-pixels", "10000"
    ) as found:
        yield found
