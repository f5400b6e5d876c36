"""Every fault of the settings is one line: what is wrong, what was given, what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from visionft.errors import SettingsError
from visionft.settings import FitSettings, build
from visionft.settings.error_messages import lines, shown, unknown

METHODS = "head, prototypes, full, gradual, lora, qlora, adapter, prompt, bitfit or norm"


def faults(**given: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        build("photos", **given)  # type: ignore[arg-type]
    return list(caught.value.faults)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"optim.lr": "0"}, "--optim.lr: 0 is not greater than 0; give a number above 0 and below 10, or auto"),
        ({"optim": {"lr": "fast"}}, "--optim.lr: fast is not a number; give a number above 0 and below 10, or auto"),
        ({"optim.warmup": 2}, "--optim.warmup: 2 is greater than 1; give a number from 0 to 1"),
        ({"optim.clip": -1}, "--optim.clip: -1 is less than 0; give a number from 0"),
        (
            {"seed": 2**31},
            "--seed: 2147483648 is not less than 2147483648; give a whole number from 0 and below 2147483648",
        ),
        ({"seed": "1.5"}, "--seed: 1.5 is not a whole number; give a whole number from 0 and below 2147483648"),
        (
            {"optim.batch_size": True},
            "--optim.batch-size: true is not a whole number; give a whole number from 1, or auto",
        ),
        ({"head": "linaer"}, "--head: linaer is not known here; did you mean linear? give linear, mlp or cosine"),
        ({"backbone": 3}, "--backbone: 3 is not a name; give a name"),
        ({"backbone": ""}, "--backbone: nothing is given; give a name, or leave it out"),
        (
            {"data.cache_gb": float("inf")},
            "--data.cache-gb: inf is greater than 1000000; give a number from 0 to 1000000",
        ),
        (
            {"seed": 10**5000},
            "--seed: a number of very many digits is not less than 2147483648; give a whole number from 0 and below "
            "2147483648",
        ),
        ({"augment.flip": "maybe"}, "--augment.flip: maybe is not true or false; give true or false"),
        (
            {"method": "fulll"},
            f"--method: fulll is not known here; did you mean full? give {METHODS}",
        ),
        (
            {"method": {"name": "head", "cycles": 2}},
            "--method.cycles: only the method gradual has cycles; give --method gradual or leave it out",
        ),
        ({"optim": 3}, "--optim: 3 is not a group of settings; give optim.lr, optim.head_lr, optim.layer_decay, ..."),
        ({"optm": 3}, "--optm: no such setting; did you mean --optim?"),
        ({"lr": 3}, "--lr: no such setting; did you mean --optim.lr?"),
        ({"epoch": 3}, "--epoch: no such setting; did you mean --epochs?"),
        ({"xyzzy": 3}, "--xyzzy: no such setting; `visionft settings` lists them all"),
        (
            {"method": {"name": "gradual", "phases": [{"epochs": 1, "lr": 0}]}},
            "--method.phases.0.lr: 0 is not greater than 0; give a number above 0 and below 10, or auto",
        ),
        (
            {"method": {"name": "gradual", "phases": [{"epochs": 1, "rate": 0}]}},
            "--method.phases.0.rate: no such setting; `visionft settings` lists them all",
        ),
        (
            {"method": {"name": "gradual", "phases": [{}]}},
            "--method.phases.0.epochs: nothing is given; give a whole number from 1",
        ),
        (
            {"method": "gradual", "method.phases": "soon"},
            "--method.phases: soon is not a list; give a list such as [{epochs: 2, unfreeze: 0.5}], or auto",
        ),
        (
            {"classes.rename": "hat"},
            "--classes.rename: hat is not a list; give a list such as old=new,older=newer, or none",
        ),
        (
            {"classes.rename": "=cap"},
            "--classes.rename: =cap is not a list; give a list such as old=new,older=newer, or none",
        ),
        ({"classes.rename": "a=b,a=c"}, "--classes.rename: a is given two new names; give it one"),
        (
            {"classes": {"rename": {"a": 3}}},
            "--classes.rename: 3 is not a name; give a list such as old=new,older=newer, or none",
        ),
        ({"from_run": 3}, "--from: 3 is not a path; give a path, or none"),
        ({"from_runn": "a"}, "--from-runn: no such setting; did you mean --from?"),
        (
            {"preprocess.size": "two hundred"},
            "--preprocess.size: 'two hundred' is not a whole number; give a whole number from 16 to 2048, or two such "
            "as 192x256, or none",
        ),
    ],
)
def test_fault_in_words(given: dict[str, object], line: str) -> None:
    assert faults(**given) == [line]


def test_settings_that_lie_in_themselves_are_one_sentence() -> None:
    loop: dict[str, object] = {}
    loop["lr"] = loop
    assert faults(optim=loop) == ["settings lie in more than 32 levels, or in themselves; give plain values"]


def test_photos_of_another_kind_are_one_sentence() -> None:
    words = r"^PHOTOS: .* is not a path; give a folder of class folders, or a CSV/Parquet manifest$"
    for photos in (3, b"photos", ["photos"]):
        with pytest.raises(SettingsError, match=words):
            build(photos)  # type: ignore[arg-type]


def test_all_faults_at_once_each_named_where_it_was_given(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("epochz: 3\noptim: {lr: 0, clip: -1}\n")
    assert faults(config=config, **{"optim.clip": "-2", "head": "x"}) == [
        "--head: x is not known here; give linear, mlp or cosine",
        f"optim.lr in {config}: 0 is not greater than 0; give a number above 0 and below 10, or auto",
        "--optim.clip: -2 is less than 0; give a number from 0",
        f"epochz in {config}: no such setting; did you mean epochs?",
    ]


def test_missing_photos() -> None:
    with pytest.raises(SettingsError, match=r"^PHOTOS: nothing is given; give a folder of class folders"):
        build(epochs=3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (3, "3"),
        (10**400, "a number of very many digits"),
        ("", "''"),
        ("two words", "'two words'"),
        (Path("a b"), "'a b'"),
        ({"old": "new", "a": "b"}, "old=new,a=b"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 57 + "..."),
        ("red\x1b[31m", "red\\x1b[31m"),
    ],
)
def test_a_value_is_shown_as_it_would_be_written(value: object, text: str) -> None:
    assert shown(value) == text


def test_names_are_those_by_which_they_were_given() -> None:
    with pytest.raises(ValidationError) as caught:
        FitSettings.model_validate({"photos": "p", "seed": -1, "optim": {"lr": "fast"}})
    assert [line.partition(":")[0] for line in lines(caught.value, str.upper)] == ["SEED", "OPTIM.LR"]
    assert unknown("sed", str.upper) == "SED: no such setting; did you mean seed?"
    assert unknown("sed", lambda path: f"--{path}") == "--sed: no such setting; did you mean --seed?"
