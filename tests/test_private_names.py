"""Private names of other libraries are used in one file for each library, and each of these has a canary."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "visionft"
PUBLIC = {"os._exit", "sys._getframe"}
"""Names of Python itself that its documentation names, underscore and all."""


def private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def used(path: Path) -> Iterator[str]:
    """Yield each private name of another package that a file imports, or takes from what it imported."""
    tree = ast.parse(path.read_text())
    foreign: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            foreign |= {(a.asname or a.name).split(".")[0]: a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            foreign |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            for name in (*node.module.split("."), *(a.name for a in node.names)):
                if private(name):
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno} imports {node.module} {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            root: ast.expr = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in foreign and ast.unparse(node) not in PUBLIC:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno} takes {ast.unparse(node)}"


def test_private_names_of_others_are_used_in_compat_files_alone() -> None:
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE / "compat"]
    assert [use for path in files for use in used(path)] == []
