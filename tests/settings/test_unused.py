"""What was given is held against what has an effect, all at once and where it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import SettingsError
from visionft.settings import (
    FitSettings,
    HeadMethod,
    OptimSettings,
    build,
    build_for,
    commented_yaml,
    from_yaml,
    require_effect,
    to_yaml,
)
from visionft.settings.unused import is_record, obstructed, unreachable_places, value_at, value_in

SOLVED = "the method head solves a linear head and trains nothing by epochs"


def test_all_that_has_no_effect_is_told_at_once_and_where_it_was_given(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("method: head\noptim: {patience: 3, clip: 1.0, ema: auto}\naugment: {strength: none}\n")
    with pytest.raises(SettingsError) as caught:
        build("photos", config, epochs="5", **{"hardware.compile": True})
    tail = f"has no effect, as {SOLVED}; leave it out, or give --method.solver epochs or another --method"
    assert caught.value.faults == (
        f"--epochs: 5 {tail}", f"optim.patience in {config}: 3 {tail}", f"--hardware.compile: true {tail}",
    )  # fmt: skip


def test_a_flag_wants_an_effect_though_it_equals_the_default_and_a_file_does_not(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("method: head\noptim: {label_smoothing: 0.1}\n")
    assert build("photos", config).optim.label_smoothing == 0.1
    with pytest.raises(SettingsError, match=r"^--optim\.label-smoothing: 0\.1 has no effect"):
        build("photos", method="head", optim={"label_smoothing": 0.1})


def test_the_commented_file_with_another_method_is_no_contradiction(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(commented_yaml().replace("name: full", "name: head").replace("  head_first: auto\n", ""))
    assert build("photos", config).method == HeadMethod()


def resolved() -> FitSettings:
    """Return settings of a solved head as a run of an older version wrote them: with values that had no effect."""
    return build(
        "photos", epochs=5, backbone="x", out="runs/a",
        **{
            "optim.lr": 1e-4, "optim.batch_size": 8, "optim.ema": 0.9, "optim.patience": 3, "optim.micro_batch": 8,
            "hardware.device": "cpu", "hardware.threads": 1, "hardware.workers": 0, "hardware.precision": "bf16",
        },
    ).model_copy(update={"method": HeadMethod()})  # fmt: skip


def test_the_settings_of_a_run_are_what_was_and_not_what_is_asked(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(to_yaml(resolved()))
    assert from_yaml(config) == resolved()
    assert build(config=config) == resolved()
    assert build(resolved()) == resolved()
    require_effect(resolved())
    with pytest.raises(SettingsError, match=r"^--optim\.clip: 2\.0 has no effect"):
        build(config=config, **{"optim.clip": 2})


def test_whole_settings_are_looked_at_too() -> None:
    asked = FitSettings(photos=Path("p"), method=HeadMethod(), optim=OptimSettings(patience=2, clip=1.0))
    with pytest.raises(SettingsError) as caught:
        require_effect(asked)
    assert [line.split(": ")[0] for line in caught.value.faults] == ["--optim.patience"]
    require_effect(FitSettings(photos=Path("p"), method=HeadMethod()))


def test_of_several_methods_one_is_enough() -> None:
    assert build_for(("head", "lora"), "p", None, epochs=5).epochs == 5
    with pytest.raises(SettingsError, match=f"--epochs: 5 has no effect, as {SOLVED}"):
        build_for(("head",), "p", None, epochs=5)


def test_the_named_settings_that_would_do_nothing_are_told_apart() -> None:
    settings = FitSettings(photos=Path("p"), method=HeadMethod())
    named = ("seed", "epochs", "method.rank", "optim.clip", "no.such.one", "data.layout")
    assert obstructed(settings, named) == ["epochs", "method.rank", "optim.clip"]


def test_a_place_below_a_file_is_none_wherever_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a long path is shortened in a sentence
    Path("file").touch()
    wrong = Path("file") / "run"
    settings = FitSettings(photos=Path("p"), out=wrong, weights="hub")
    for given, below in (({"out": str(wrong)}, {}), ({}, {"out": str(wrong)})):
        assert unreachable_places(settings, given, below, str.upper) == [
            f"OUT: {wrong} lies below a file; give a path whose parents are folders"
        ]
    assert unreachable_places(settings, {}, {}, str.upper) == []


def test_a_record_is_complete_and_settled() -> None:
    whole = FitSettings.model_validate(resolved().model_dump()).model_dump(mode="json")
    assert is_record(whole)
    assert not is_record({**whole, "epochs": "auto"})
    assert not is_record({name: value for name, value in whole.items() if name != "backbone"})


def test_a_dotted_value_of_settings_and_of_a_tree() -> None:
    settings = FitSettings(photos=Path("p"), seed=3)
    assert (value_at(settings, "seed"), value_at(settings, "optim.clip"), value_at(settings, "method.rank")) == (
        3,
        1.0,
        None,
    )
    assert value_in({"optim": {"clip": 2}}, "optim.clip") == 2
    for path in ("optim.lr", "optim.clip.deep", "seed"):
        with pytest.raises(KeyError):
            value_in({"optim": {"clip": 2}}, path)
