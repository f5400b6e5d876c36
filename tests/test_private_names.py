"""Private names of other libraries are used in one file for each library, and each of these has a canary."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "visionft"
PUBLIC = {"os._exit", "sys._getframe"}
"""Names of Python itself that its documentation names, underscore and all."""
BY_NAME = {"getattr", "hasattr", "setattr", "delattr", "attrgetter", "methodcaller"}
"""What takes an attribute by a string."""


def private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def used(path: Path) -> Iterator[str]:
    """Yield each private name of another package that a file imports, or takes from what it imported.

    Of a name that is taken by a string it is not known whose it is, and our own need no string.
    """
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
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in BY_NAME:
            texts = [text.value for text in node.args if isinstance(text, ast.Constant) and isinstance(text.value, str)]
            if any(private(part) for text in texts for part in text.split(".")):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno} takes by name {ast.unparse(node)}"


def test_private_names_of_others_are_used_in_compat_files_alone() -> None:
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE / "compat"]
    assert [use for path in files for use in used(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "from timm.models._manipulate import flatten_modules",
        "from timm.models.vgg import _filter_fn",
        "import timm; timm.models._registry",
        "getattr(module, '_filter_fn', None)",
        "operator.attrgetter('head._weight')(module)",
    ],
)
def test_each_way_of_taking_a_private_name_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setitem(used.__globals__, "PACKAGE", tmp_path)
    (tmp_path / "module.py").write_text(line)
    assert len(list(used(tmp_path / "module.py"))) == 1
    (tmp_path / "module.py").write_text("import timm; timm.models.vgg; getattr(timm, '__version__'); self._own")
    assert list(used(tmp_path / "module.py")) == []
