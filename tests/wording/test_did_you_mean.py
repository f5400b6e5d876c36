from __future__ import annotations

import ast
from pathlib import Path

import pytest

import visionft
from visionft.wording.did_you_mean import closest, did_you_mean


@pytest.mark.parametrize(
    ("name", "names", "said"),
    [
        ("hatt", ["hat", "shoes"], "; did you mean 'hat'?"),
        ("HAT", ["hat", "shoes"], "; did you mean 'hat'?"),
        ("Kiwi", ["Fruit/Kiwi", "Fruit/Pear"], "; did you mean 'Fruit/Kiwi'?"),
        ("teapot", ["hat", "shoes"], ""),
        ("hat", [], ""),
    ],
)
def test_a_name_that_is_near_is_offered(name: str, names: list[str], said: str) -> None:
    assert did_you_mean(name, names) == said


def test_the_closest_come_first_and_none_that_is_too_far() -> None:
    assert closest("hatt", ["that", "hat", "shoes"], n=3) == ["hat", "that"]
    assert closest("hatt", ["that", "hat", "shoes"]) == ["hat"]
    assert closest("hatt", (name for name in ["shoes", "chat"]), cutoff=0.9) == []


def test_spellings_are_compared_here_alone() -> None:
    root = Path(visionft.__file__).parent
    found = [
        file.relative_to(root).as_posix()
        for file in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and node.module == "difflib")
        or (isinstance(node, ast.Import) and "difflib" in [alias.name for alias in node.names])
    ]
    assert found == ["wording/did_you_mean.py"]
