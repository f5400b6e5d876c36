from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import visionft
from visionft.wording.lists import count, some


@pytest.mark.parametrize(
    ("n", "noun", "plural", "said"),
    [
        (0, "photo", "", "0 photos"),
        (1, "photo", "", "1 photo"),
        (1234, "photo", "", "1,234 photos"),
        (2, "class", "classes", "2 classes"),
    ],
)
def test_a_number_has_its_noun(n: int, noun: str, plural: str, said: str) -> None:
    assert count(n, noun, plural) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b and 2 more"),
    ],
)
def test_a_few_names_stand_for_all(names: list[str], said: str) -> None:
    assert some(names, shown=2) == said


def plurals(source: str) -> Iterator[str]:
    """Yield each `'' if n == 1 else 's'`: a plural that is made by hand."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.IfExp):
            ends = [end.value for end in (node.body, node.orelse) if isinstance(end, ast.Constant)]
            if sorted(map(str, ends)) in (["", "es"], ["", "s"]):
                yield ast.unparse(node)


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("n + ' photo' + ('' if n == 1 else 's')", 1),
        ("n + ' class' + ('es' if n > 1 else '')", 1),
        ("'it is' if n == 1 else 'they are'", 0),
    ],
)
def test_a_plural_made_by_hand_is_seen(line: str, seen: int) -> None:
    assert len(list(plurals(line))) == seen


def test_plurals_are_made_here_alone() -> None:
    root = Path(visionft.__file__).parent
    files = [file for file in sorted(root.rglob("*.py")) if file != root / "wording" / "lists.py"]
    found = {file.relative_to(root).as_posix(): list(plurals(file.read_text(encoding="utf-8"))) for file in files}
    assert {name: made for name, made in found.items() if made} == {}
