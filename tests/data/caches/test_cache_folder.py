"""Where caches lie."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

from visionft.data.caches import cache_folder

AT_COLLECTION = dict(os.environ)


def test_the_variable_says_where_caches_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "here"))
    assert cache_folder.root() == tmp_path / "here"


@pytest.mark.parametrize("value", [None, ""])
def test_else_the_system_does(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache_folder.VARIABLE) if value is None else monkeypatch.setenv(cache_folder.VARIABLE, value)
    assert cache_folder.root() == Path(platformdirs.user_cache_dir("visionft"))


def test_test_files_that_copy_the_environment_keep_out_of_the_users_caches() -> None:
    assert Path(AT_COLLECTION[cache_folder.VARIABLE]).name.startswith("visionft-tests-")
