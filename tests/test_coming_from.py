"""Each row of the page for those who come from other tools: what it names is there, and names elsewhere lead to it."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from dataclasses import fields
from functools import cache
from typing import Any

import pytest

import visionft
from tests.documents import DOCS
from visionft.cli.app import build_app
from visionft.cli.commands import COMMANDS
from visionft.cli.other_tools import advice
from visionft.settings.fields import leaves

PAGE = (DOCS / "how-to" / "coming-from.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.+`) \| (.+) \|$", PAGE, re.MULTILINE)
TOOLS = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
AGAIN = "the same command again"
VALUES: dict[str, Any] = {
    "run": visionft.Run,
    "evaluation": visionft.Evaluation,
    "answers": visionft.Predictions,
    "vft": visionft,
}
"""What a name in the page's Python stands for."""


@cache
def flags_of(command: str) -> frozenset[str]:
    found = build_app()[command].assemble_argument_collection()
    return frozenset(name for argument in found for name in argument.names)


def test_there_are_five_tools_and_many_rows() -> None:
    assert TOOLS == ["ultralytics", "Hugging Face Trainer", "fastai", "Lightning", "Keras"]
    assert len(ROWS) > 70
    assert len(ROWS) == len(re.findall(r"^\| (?!there|-)", PAGE.replace("|---", ""), re.MULTILINE))


@pytest.mark.parametrize(("there", "here"), ROWS)
def test_a_row_names_what_is_there(there: str, here: str) -> None:
    ours = here.strip("`")
    if ours.startswith("--"):
        check_flags("fit", shlex.split(ours))
    elif "visionft " in ours:
        words = shlex.split(ours)
        command, *rest = words[words.index("visionft") + 1 :]
        assert command in COMMANDS
        check_flags(command, rest)
    elif here != AGAIN:
        check_python(ours)
    if named := re.fullmatch(r"`(?:--)?([\w-]+)(?:[ =][^()]*)?`", there):
        check_name(named[1], ours)


def check_flags(command: str, words: list[str]) -> None:
    assert {word for word in words if word.startswith("--")} <= flags_of(command)


def check_name(theirs: str, ours: str) -> None:
    """A flag of another tool is answered with the flag of the row, or with a sentence that holds it."""
    told = advice("fit", f"--{theirs}", flags_of("fit"))
    if told is None:  # both have the same name, or it is no setting
        return
    assert ours == AGAIN or ours.split()[0] in told or "listeners" in ours or "visionft" in ours or ours in told
    if ours == AGAIN:
        assert "the same command goes on" in told


def check_python(source: str) -> None:
    """Every name is an attribute of what it is asked of, and every keyword a parameter or a setting."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            check_keywords(node, value_of(node.func))
        elif isinstance(node, ast.Attribute):
            value_of(node)


def check_keywords(node: ast.Call, called: Any) -> None:
    known = {name for name, one in inspect.signature(called).parameters.items() if one.kind is not one.VAR_KEYWORD}
    if called is visionft.fit:
        known |= leaves().keys() | {"method"}
    assert {keyword.arg for keyword in node.keywords} <= known


def value_of(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return VALUES[node.id]
    if isinstance(node, ast.Subscript):
        return visionft.Prediction
    assert isinstance(node, ast.Attribute)
    owner = value_of(node.value)
    if node.attr in {field.name for field in fields(owner)} if isinstance(owner, type) else ():
        return owner
    return getattr(owner, node.attr)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("imgsz", "--preprocess.size"),
        ("num-train-epochs", "--epochs"),
        ("bs", "--optim.batch-size"),
        ("clipnorm", "--optim.clip"),
    ],
)
def test_a_flag_of_each_tool_is_answered(theirs: str, ours: str) -> None:
    assert advice("fit", f"--{theirs}", flags_of("fit")) == f"did you mean {ours}?"


@pytest.mark.parametrize("theirs", ["gradient-accumulation-steps", "accumulate-grad-batches", "warmup-steps", "blr"])
def test_a_number_in_another_unit_is_not_handed_to_our_flag(theirs: str) -> None:
    told = advice("fit", f"--{theirs}", flags_of("fit"))
    assert told is not None
    assert told.startswith("give --optim.")
