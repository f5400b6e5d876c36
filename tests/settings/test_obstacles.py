"""Every setting knows when it has an effect, and what was given without one is a sentence before any work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from visionft.errors import SettingsError
from visionft.settings import (
    METHODS,
    ExportSettings,
    build,
    build_export,
)
from visionft.settings import applicability as at
from visionft.settings.applicability import Applies
from visionft.settings.fields import Leaf, leaves, phase_leaves

EVERY = [*leaves().values(), *phase_leaves().values(), *leaves(ExportSettings).values()]
CONDITIONAL = [leaf for leaf in leaves().values() if leaf.applies is not at.ALWAYS]
SOLVED = "the method head solves a linear head and trains nothing by epochs"
UNTRAINED = "epochs 0 trains nothing"
NO_EPOCHS = {"method": "head"}, SOLVED
ZERO = {"epochs": 0}, UNTRAINED

# For each condition: what else is given, and the reason that is said.
Case = tuple[dict[str, Any], str]
OBSTACLES: dict[str, list[Case]] = {
    "TRAINED": [NO_EPOCHS, ZERO],
    "TIMED": [
        NO_EPOCHS,
        (
            {"method": {"name": "gradual", "phases": "[{epochs: 2}]"}},
            "method.phases says how many epochs each phase lasts",
        ),
    ],
    "BACKBONE": [
        NO_EPOCHS,
        ZERO,
        ({"method": {"name": "head", "solver": "epochs"}}, "the method head leaves the backbone as it is"),
        ({"method": "head", "head": "mlp"}, "the method head leaves the backbone as it is"),
    ],
    "RATED": [
        NO_EPOCHS,
        ZERO,
        (
            {"method": "head", "head": "mlp", "optim.head_lr": 0.1},
            "the method head trains the head alone, whose rate is optim.head_lr",
        ),
    ],
    "ADDED": [ZERO],
    "NAMED": [NO_EPOCHS, ZERO, ({"augment.pipeline": "own.yaml"}, "augment.pipeline takes its place")],
    "FLIPPED": [NO_EPOCHS, ZERO, ({"augment.strength": "none"}, "augment.strength none changes nothing of a photo")],
    "VIEWED": [
        NO_EPOCHS,
        ({"method": "gradual", "epochs": 0}, UNTRAINED),
        ({"method": "gradual", "augment.mixup": 0.2}, "augment.mixup mixes other photos in each step"),
        ({"method": "gradual", "augment.cutmix": 1}, "augment.cutmix mixes other photos in each step"),
        ({"method": "gradual", "distill": "runs/a"}, "distill shows the teacher the pixels of each view"),
        ({"method": "full"}, "the method full has no phase whose lower part is frozen"),
    ],
    "STORED": [
        NO_EPOCHS,
        ZERO,
        ({"data.cache": "none"}, "data.cache none keeps nothing"),
        ({"hardware.device": "cpu"}, "data.cache auto keeps nothing on a processor"),
    ],
    "TAUGHT": [({}, "no run teaches")],
    "INHERITED": [({}, "classes of an earlier run are renamed and none is given")],
    "FRESH": [({"from_run": "runs/a"}, "from brings the weights of its run")],
    "FOLDER": [({"photos": "photos.csv"}, "photos.csv is a manifest, which names the class of each photo")],
    "MANIFEST": [({"photos": "folder"}, "folder is a folder, which has no columns")],
    "LONG_TAILED": [({"task": "multilabel"}, "the task multilabel has no classes of which a photo has one")],
    "EFFECTIVE": [({}, "class weights are none")],
    "CLASSED": [({"task": "regression"}, "the task regression has no classes to weigh")],
    "SMOOTHED": [
        NO_EPOCHS,
        ZERO,
        ({"task": "regression"}, "the task regression has no classes to smooth"),
        ({"loss": "own:focal"}, "the loss is own:focal, which is nobody else's to smooth"),
    ],
    "LEARNT": [({"task": "regression"}, "the task regression has no way to learn from another run")],
    "CONTINUED": [({"task": "regression"}, "the task regression has no way to go on from another run")],
    "PROJECTED": [({}, "the task classification answers with classes, and learns no embedding of its own")],
    "SEVERAL": [({}, "the task classification gives a photo one answer")],
    "SAMPLED": [
        ({"task": "retrieval", "method": "head"}, SOLVED),
        ({"task": "retrieval", "epochs": 0}, UNTRAINED),
        ({"task": "regression"}, "the task regression answers with numbers, and learns no embedding of its own"),
    ],
    "SOLVABLE": [({"method": "head", "head": "cosine"}, "lbfgs solves linear heads and head is cosine")],
}
APPLYING: dict[str, dict[str, Any]] = {
    "TAUGHT": {"distill": "runs/a"},
    "EFFECTIVE": {"optim.class_weights": "effective"},
    "INHERITED": {"from_run": "runs/a"},
    "VIEWED": {"method": "gradual"},
    "MANIFEST": {"photos": "photos.csv"},
    "FOLDER": {"photos": "folder"},
    "SOLVABLE": {"method": "head"},
    "PROJECTED": {"task": "retrieval"},
    "SAMPLED": {"task": "retrieval"},
    "SEVERAL": {"task": "multilabel", "photos": "photos.csv"},
}
NAMES = {id(value): name for name, value in vars(at).items() if isinstance(value, Applies)}


def name_of(leaf: Leaf) -> str:
    return NAMES[id(leaf.applies)]


def wish(leaf: Leaf) -> Any:
    """Return a value that wants an effect, and is not the default."""
    if leaf.compound:
        return {"a": "b"} if leaf.mapping else "[{epochs: 2}]"
    if bool in leaf.types:
        return True
    if leaf.path == "method.solver":
        return "lbfgs"
    if leaf.path == "loss":
        return "cross_entropy"
    words = [word for kind in leaf.types if get_args(kind) for word in get_args(kind) if word != leaf.default]
    if words and leaf.path != "augment.size":
        return words[-1]
    if Path in leaf.types or str in leaf.types:
        return "other"
    low, high = (dict(leaf.bounds).get(name, other) for name, other in (("ge", 0), ("le", 64)))
    value = min(max(3 if int in leaf.types else 0.25, low + (0.25 if float in leaf.types else 0)), high)
    return value if value != leaf.default else value + 1


def given_for(leaf: Leaf, others: dict[str, Any]) -> dict[str, Any]:
    """Return flags that give the setting, under its own method where it belongs to some."""
    flags = {"photos": "photos", **others}
    if leaf.owners and not isinstance(flags.get("method"), dict):
        own = flags.get("method") if flags.get("method") in leaf.owners else leaf.owners[-1]
        flags["method"] = own
    flags[leaf.path] = flags.get(leaf.path, wish(leaf)) if leaf.path in others else wish(leaf)
    return flags


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "photos.csv").write_text("path,label\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(**flags: Any) -> list[str]:
    photos = flags.pop("photos")
    try:
        build(photos, **flags)
    except SettingsError as error:
        return list(error.faults)
    return []


def test_every_setting_says_when_it_has_an_effect() -> None:
    assert len(EVERY) > 70
    assert [leaf.path for leaf in EVERY if leaf.applies is None] == []


def test_every_condition_has_cases_here() -> None:
    assert {name_of(leaf) for leaf in CONDITIONAL} == set(OBSTACLES)
    assert set(NAMES.values()) == {*OBSTACLES, "ALWAYS", "REDUCED"}


PARAMETERS = [
    pytest.param(leaf, others, why, id=f"{leaf.path}-{number}")
    for leaf in CONDITIONAL
    for number, (others, why) in enumerate(OBSTACLES[name_of(leaf)])
    if not (leaf.owners and isinstance(others.get("method"), str) and others["method"] not in leaf.owners)
    and not (leaf.path == "optim.l2_sp" and others.get("method") == "head")  # its own sentence, in tests/training
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("leaf", "others", "why"), PARAMETERS)
def test_a_setting_without_effect_is_one_sentence(leaf: Leaf, others: dict[str, Any], why: str) -> None:
    flags = given_for(leaf, others)
    lines = [line for line in said(**flags) if line.startswith(f"{leaf.flag}: ")]
    pattern = rf"{re.escape(leaf.flag)}: .+ has no effect, as {re.escape(why)}; leave it out, or .+"
    assert len(lines) == 1, said(**flags)
    assert re.fullmatch(pattern, lines[0]), lines


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("leaf", CONDITIONAL, ids=lambda leaf: leaf.path)
def test_where_it_has_an_effect_nothing_is_said(leaf: Leaf) -> None:
    flags = given_for(leaf, APPLYING.get(name_of(leaf), {}))
    assert said(**flags) == []


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("leaf", CONDITIONAL, ids=lambda leaf: leaf.path)
def test_what_asks_for_nothing_contradicts_nothing(leaf: Leaf) -> None:
    for others, why in OBSTACLES[name_of(leaf)]:
        if leaf.applies and None in leaf.types and not leaf.owners:
            flags = {**given_for(leaf, others), leaf.path: None}
            assert not any(why in line for line in said(**flags) if line.startswith(f"{leaf.flag}: "))


@pytest.mark.parametrize("leaf", [leaf for leaf in leaves().values() if leaf.owners], ids=lambda leaf: leaf.path)
def test_a_setting_of_another_method_is_one_sentence(leaf: Leaf) -> None:
    other = next(name for name in METHODS if name not in leaf.owners)
    last = leaf.path.rpartition(".")[2]
    words = rf"{leaf.flag}: only the method {' or '.join(leaf.owners)} has {last}; give --method \w+ or leave it out"
    assert [
        re.fullmatch(words, line) is not None for line in said(photos="p", method=other, **{leaf.path: wish(leaf)})
    ] == [True]


def test_an_export_in_fp32_loses_nothing() -> None:
    for flags in ({"max_loss": 1}, {"allow": "slower"}):
        with pytest.raises(
            SettingsError, match="has no effect, as precision fp32 makes nothing smaller; leave it out, or"
        ):
            build_export(**flags)
        assert build_export(**flags, precision="int8").precision == "int8"
    assert build_export(allow="none", accept="none", all="true") == ExportSettings(accept=None, all=True)
