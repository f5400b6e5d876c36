"""What the package imports is what it declares."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
# What comes with a declared distribution, in a version that this one pins, or is another build of it.
SAME = {"opencv-python": "opencv-python-headless", "pydantic-core": "pydantic", "pytorch-lightning": "lightning"}


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [
        line
        for name in ("heic", "openvino", "qlora", "ray", "remote", "retrieval", "serve", "sweep", "tiff", "wandb")
        for line in project["optional-dependencies"][name]
    ]
    return {canonicalize_name(Requirement(line).name) for line in [*project["dependencies"], *extras]}


def imported() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in sorted((ROOT / "visionft").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found |= {name.partition(".")[0]: file for name in names}
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names and name != "visionft"}


def test_every_import_is_a_declared_dependency() -> None:
    homes, known, modules = packages_distributions(), declared(), imported()
    assert len(modules) > 20, "the walk over the sources found too little"
    missing = {
        name: file.relative_to(ROOT).as_posix()
        for name, file in modules.items()
        if not {SAME.get(home, home) for home in map(canonicalize_name, homes.get(name, [name]))} & known
    }
    assert not missing
