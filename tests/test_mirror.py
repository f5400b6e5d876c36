"""Tests lie where what they test lies, and no file's name means two things."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "visionft"  # the sources; what is imported may be the installed wheel
NO_ROOM = {
    "benchmarks": "the scripts of benchmarks/",
    "examples": "the scripts of examples/",
    "export_folder": "the clients of export/",
    "odd_inputs": "awkward inputs through the whole package, and their documentation",
    "pretend": "the stand-in for a device that the tests bring",
}
"""Folders of tests that mirror no room, and what they test."""
CROSS_CUTTING = {
    "serving/server/test_long_bodies.py": "bodies of every kind, beside small requests",
    "cli/test_refused_early.py": "every command, before torch",
    "test_private_names.py": "all rooms",
    "test_kill_points.py": "a whole fit, killed at every point",
    "data/test_any_tree.py": "sources, splitting and accounts together",
    "evaluation/test_accounts.py": "every place where figures are told",
    "methods/test_frozen_below.py": "each method over each family of backbones",
    "methods/test_roles_trained.py": "each method through a training step",
    "photos/test_memory.py": "each decoder in a process of its own",
    "photos/test_reasons.py": "each reason, whichever decoder gives it",
    "photos/test_reduction.py": "each decoder that can reduce",
    "photos/test_table.py": "the decode table, over every decoder",
    "remote/test_s3.py": "every verb, against a server that speaks S3",
    "reporting/test_accessible.py": "every page, in a browser",
    "reporting/test_browser.py": "the page, in a browser",
    "reviewing/test_browser.py": "the page, in a browser",
    "runs/test_killed_early.py": "what several writers leave",
    "serving/server/test_adapted.py": "a whole server over adapters",
    "serving/server/test_fuzz.py": "a whole server",
    "serving/server/test_large.py": "a whole server",
    "serving/server/test_malformed.py": "a whole server",
    "serving/server/test_page.py": "the page, in a browser",
    "serving/server/test_pressure.py": "a whole server",
    "training/test_efficient.py": "a whole fit by each efficient method",
    "training/test_moved.py": "a whole fit on photos that moved",
    "training/test_obtainable.py": "what a fit refuses first",
    "training/test_reading_settled.py": "a fit and its continuation",
    "training/test_shapes.py": "from the fit to the bundle",
    "training/test_spoken.py": "what a fit says",
    "test_coming_from.py": "the page for those who come from other tools",
    "test_configs.py": "the published configurations",
    "test_damaged.py": "every file of a run and of a bundle",
    "test_dependencies.py": "imports against pyproject.toml",
    "test_docs.py": "the pages and their links",
    "test_forge.py": "the files that a forge and git hooks read",
    "test_llms_txt.py": "the list of the pages for programs",
    "test_docstring_shapes.py": "every public docstring",
    "test_installed.py": "the wheel",
    "test_kill.py": "a real process, killed and started again",
    "test_mirror.py": "this",
    "test_misuse.py": "every command",
    "test_notebook.py": "every object that shows itself",
    "test_public_names.py": "the package",
    "test_readme.py": "the README",
    "test_snippets.py": "every block of the README and of docs/",
    "test_too_large.py": "fit and export",
}
"""Test files of more than one module, and what holds them together."""
WITHOUT_ONE: dict[str, str] = {}
"""Modules without a test file of their own, and why: a list that only gets shorter."""
SAME_MEANING = {
    "add_class": "the verb: asked for, and carried out",
    "prototypes": "the mathematics, and what a task does with it",
    "page": "the page of HTML that a room makes of its findings",
    "answers": "the part of a task: what it asks of one, and each task's own",
    "labels": "the part of a task: what it asks of one, and each task's own",
    "learning": "the part of a task: what it asks of one, and each task's own",
    "shipping": "the part of a task: what it asks of one, and each task's own",
    "spec": "the part of a task: what it asks of one, and each task's own",
    "advise": "the verb: asked for, its settings, carried out, and the work itself",
    "audit": "the verb: asked for, carried out, and the work itself",
    "blend": "the verb: asked for, and carried out",
    "check": "the verb: asked for, and carried out",
    "compare": "the verb: asked for, and carried out",
    "demo": "the verb: asked for, and carried out",
    "duplicates": "the verb: asked for, and carried out",
    "evaluate": "the verb: asked for, its settings, carried out, and the work itself",
    "export": "the verb: asked for, carried out, and its settings",
    "find_lr": "the verb: asked for, its settings, carried out",
    "fit": "the verb: asked for, carried out, and its settings",
    "index": "the verb: asked for, its settings, carried out",
    "predict": "the verb: asked for, carried out, and its settings",
    "push": "the verb: asked for, and carried out",
    "report": "the verb: asked for, and carried out",
    "explain": "the verb: asked for, and carried out",
    "select": "the verb: asked for, and carried out",
    "review": "the verb: asked for, and carried out",
    "search": "the verb: asked for, its settings, carried out",
    "serve": "the verb: asked for, and its settings",
    "sweep": "the verb: asked for, its settings, carried out",
}
"""Names that several files have, and the one meaning."""


def mirroring() -> list[str]:
    """Return the test files, but for those that mirror no room."""
    found = (path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))
    return sorted(path.as_posix() for path in found if path.parts[0] not in NO_ROOM)


def modules() -> list[Path]:
    """Return every module, relative to the package."""
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def own_test_of(module: Path) -> Path:
    """Return where the tests of a module belong."""
    return TESTS / module.parent / f"test_{module.name}"


def module_of(test: str) -> Path:
    """Return the module, or the room, that a test file is named after."""
    path = Path(test)
    module = PACKAGE / path.parent / path.name.removeprefix("test_")
    return module if module.is_file() else module.with_suffix("") / "__init__.py"


@pytest.mark.parametrize("test", mirroring())
def test_each_test_file_has_its_module_or_a_reason(test: str) -> None:
    assert module_of(test).is_file() != (test in CROSS_CUTTING), f"{test}: name it after its module, or say why not"


def declares(module: Path) -> bool:
    """Tell whether a module holds names, values and types alone: no function in it does anything."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, functions))
    # A docstring, or the `...` of a protocol.
    return all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for body in bodies for one in body)


def test_each_module_that_does_something_has_its_test_file() -> None:
    without = {path.as_posix() for path in modules() if not own_test_of(path).is_file() and not declares(path)}
    assert sorted(without - set(WITHOUT_ONE)) == [], "give these a test file"
    # One that got its file leaves the list.
    assert sorted(set(WITHOUT_ONE) - without) == []


def test_what_declares_alone_is_told_from_what_does_something() -> None:
    assert declares(Path("exporting/trained_model.py"))  # protocols
    assert declares(Path("settings/serve.py"))
    assert not declares(Path("training/step_rng.py"))


def test_every_listed_test_file_is_there() -> None:
    assert [test for test in CROSS_CUTTING if not (TESTS / test).is_file()] == []
    assert [folder for folder in NO_ROOM if not (TESTS / folder).is_dir() or (PACKAGE / folder).is_dir()] == []


def test_no_name_of_a_file_means_two_things() -> None:
    places = defaultdict(list)
    for module in modules():
        places[module.stem].append(module.as_posix())
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in shared.items() if name not in SAME_MEANING} == {}
    assert sorted(SAME_MEANING.keys() - shared) == []
