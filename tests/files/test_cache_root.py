"""One place for all caches, which a variable moves."""

from __future__ import annotations

from pathlib import Path

import pytest
from platformdirs import user_cache_path

from visionft.files.cache_root import VARIABLE, root


def test_the_variable_says_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "not there yet"))
    assert root() == tmp_path / "not there yet"
    assert not root().exists()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "~/caches")
    assert root() == tmp_path / "caches"


@pytest.mark.parametrize("given", [None, ""])
def test_without_it_the_system_says(given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if given is None:
        monkeypatch.delenv(VARIABLE)
    else:
        monkeypatch.setenv(VARIABLE, given)
    assert root() == user_cache_path("visionft")
    assert root().is_absolute()
