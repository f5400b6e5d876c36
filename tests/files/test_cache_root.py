"""Where caches lie: where the user says, else where the system has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from platformdirs import user_cache_path

from visionft.data.caches import cache_folder
from visionft.files import cache_root


def test_the_users_place_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache_root.VARIABLE, str(tmp_path))
    assert cache_root.root() == tmp_path == cache_folder.root()
    monkeypatch.delenv(cache_root.VARIABLE)
    assert cache_root.root() == user_cache_path("visionft")
