"""Public docstrings state the shapes of the arrays that go in and come out.

What is counted: each public function or method whose parameters or answer are annotated with an array (`Tensor`,
`NDArray`, `Batch`), and each public class whose fields or constructor are. Public is what has no leading underscore,
all the way down from its module. A shape is dimensions in brackets: `[B, C]`, `(n, 3, h, w)`, `(n,)`, `(..., D)`; for
no dimension at all, `[]`; the range [0, 1] is none. Of a class the sentences below its fields count too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import visionft

ARRAYS = re.compile(r"\b(Tensor|NDArray|ndarray|Batch)\b")
DIMENSION = r"(?:[A-Z]\w*(?: ?[*+/-] ?\w+)?|[a-z]|\d+|\.\.\.|in|out)"
SHAPE = re.compile(
    rf"\[\]|(?!\[0, 1\])\[{DIMENSION}(?:, {DIMENSION})*\]|\((?:{DIMENSION}, )+{DIMENSION}\)|\({DIMENSION},\)"
)
ENOUGH = 0.9
FEWEST = 150  # what the walk has to find, so that it cannot pass by finding nothing

Documented = tuple[str, bool]
Def = ast.FunctionDef | ast.AsyncFunctionDef


def documented(tree: ast.Module, place: str) -> Iterator[Documented]:
    """Yield what takes or returns arrays, and whether its docstring states a shape."""
    yield from _of_body(tree.body, place)


def _of_body(body: list[ast.stmt], place: str) -> Iterator[Documented]:
    for node in body:
        if not isinstance(node, Def | ast.ClassDef) or node.name.startswith("_"):
            continue
        name = f"{place}.{node.name}"
        if isinstance(node, ast.ClassDef):
            if ARRAYS.search(" ".join(_field_types(node))):
                yield name, bool(SHAPE.search(" ".join(_sentences(node))))
            yield from _of_body(node.body, name)
        elif ARRAYS.search(" ".join(_types(node))):
            yield name, bool(SHAPE.search(ast.get_docstring(node) or ""))


def _types(function: Def) -> Iterator[str]:
    every = ast.walk(function.args)
    yield from (ast.unparse(a.annotation) for a in every if isinstance(a, ast.arg) and a.annotation is not None)
    if function.returns is not None:
        yield ast.unparse(function.returns)


def _field_types(node: ast.ClassDef) -> Iterator[str]:
    for member in node.body:
        if isinstance(member, ast.AnnAssign):
            yield ast.unparse(member.annotation)
        elif isinstance(member, ast.FunctionDef) and member.name == "__init__":
            yield from _types(member)


def _sentences(node: ast.ClassDef) -> Iterator[str]:
    for member in node.body:
        if isinstance(member, ast.Expr) and isinstance(member.value, ast.Constant):
            yield str(member.value.value)


@pytest.mark.parametrize(
    "told", ["[B, C]", "(n,)", "(n, 3, S, S)", "[]", "[N]", "(..., D)", "(out, in)", "[B, C, H, W]"]
)
def test_a_shape_is_known(told: str) -> None:
    assert SHAPE.search(f"Return logits {told} of something.")


@pytest.mark.parametrize("told", ["(see `fit`)", "[0, 1]", "[0, 1 excluded)", "(PIL)", "(a, word)", "(LoRA)", "none"])
def test_other_brackets_are_none(told: str) -> None:
    assert not SHAPE.search(f"Return logits {told}.")


def test_what_is_counted() -> None:
    source = '''
def shown(x: Tensor) -> int:
    """Count x [N]."""
def silent() -> NDArray[np.float32]:
    """Return an array."""
def _private(x: Tensor) -> None: ...
def other(x: int) -> int:
    """No array [N]."""
class Kept:
    """Arrays."""
    x: Tensor
    """Of shape [N, D]."""
    def of(self, y: list[Tensor]) -> None:
        """Keep y."""
'''
    found = list(documented(ast.parse(source), "m"))
    assert found == [("m.shown", True), ("m.silent", False), ("m.Kept", True), ("m.Kept.of", False)]


def test_nearly_all_docstrings_state_their_shapes() -> None:
    package = Path(visionft.__file__).parent
    found: list[Documented] = []
    for file in sorted(package.rglob("*.py")):
        place = ".".join(file.relative_to(package.parent).with_suffix("").parts)
        found += documented(ast.parse(file.read_text(encoding="utf-8")), place)
    assert len(found) >= FEWEST
    silent = [name for name, stated in found if not stated]
    assert 1 - len(silent) / len(found) >= ENOUGH, "\n".join([f"{len(silent)} of {len(found)} state none:", *silent])
