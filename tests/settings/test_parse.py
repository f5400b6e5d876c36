"""Settings from YAML and flags: merging, round trips and faults in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import SettingsError
from visionft.settings import (
    FitSettings,
    FullMethod,
    GradualMethod,
    HeadMethod,
    OptimSettings,
    Phase,
    build,
    commented_yaml,
    from_yaml,
    to_yaml,
)

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))

EXAMPLES = [
    FitSettings(photos=Path("photos")),
    FitSettings(photos=Path("fotos/größe"), method=HeadMethod(solver="epochs"), epochs=3, seed=7),
    FitSettings(photos=Path("p"), optim=OptimSettings(lr=1e-5, patience=2), method=FullMethod(head_first=False)),
    FitSettings(
        photos=Path("p"), method=GradualMethod(phases=(Phase(epochs=1, unfreeze=0.5, lr=3e-4), Phase(epochs=2)))
    ),
]

METHODS = "head, prototypes, full, gradual, lora, qlora, adapter, prompt, bitfit or norm"


def written(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(**given: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        build("photos", **given)  # type: ignore[arg-type]
    return list(caught.value.faults)


@pytest.mark.parametrize("settings", EXAMPLES)
def test_yaml_round_trip_gives_equal_settings(settings: FitSettings, tmp_path: Path) -> None:
    again = from_yaml(written(tmp_path, to_yaml(settings)))
    assert again == settings
    assert build(again) == settings


def test_commented_yaml_holds_the_defaults(tmp_path: Path) -> None:
    assert build("photos", written(tmp_path, commented_yaml())) == FitSettings(photos=Path("photos"))


def test_there_are_five_configs() -> None:
    assert [path.stem for path in CONFIGS] == ["default", "gradual", "lora", "quick-look", "small-catalogue"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_is_complete_and_says_for_whom(path: Path) -> None:
    build("photos", path)
    opening = path.read_text(encoding="utf-8").split("\n\n")[0]
    assert all(
        fact in opening for fact in ("# For whom:", "# Expected cost:", "# Expected result:", "# Use: visionft fit")
    )


def test_the_default_config_is_what_no_flags_give() -> None:
    path = next(path for path in CONFIGS if path.stem == "default")
    assert build("photos", path) == build("photos")


def test_flags_lie_above_yaml_and_yaml_above_defaults(tmp_path: Path) -> None:
    config = written(tmp_path, "photos: below\nepochs: 3\noptim: {lr: 0.1, clip: 2}\n")
    settings = build("above", config, **{"optim.lr": "1e-3"})
    assert (settings.photos, settings.epochs, settings.optim.lr, settings.optim.clip) == (Path("above"), 3, 1e-3, 2.0)
    assert build(config=config).photos == Path("below")


def test_nested_dotted_hyphenated_and_typed_flags_are_the_same() -> None:
    expected = build("p", optim=OptimSettings(batch_size=8))
    assert build("p", optim={"batch_size": 8}) == build("p", **{"optim.batch-size": "8"}) == expected
    assert expected.optim.batch_size == 8


def test_a_place_is_a_path_or_a_word(tmp_path: Path) -> None:
    place = tmp_path / "weights.safetensors"
    assert build(tmp_path, weights=place, out=place) == build(str(tmp_path), weights=str(place), out=str(place))


def test_a_method_is_named_alone_or_given_whole() -> None:
    assert build("p", method="head").method == HeadMethod()
    assert build("p", method=HeadMethod(solver="lbfgs")).method == HeadMethod(solver="lbfgs")
    assert build("p", **{"method": "gradual", "method.cycles": "2"}).method == GradualMethod(cycles=2)


def test_another_method_on_the_flags_replaces_the_yaml_method_whole(tmp_path: Path) -> None:
    config = written(tmp_path, "method: {name: gradual, cycles: 3}\n")
    assert build("p", config, method="head").method == HeadMethod()
    assert build("p", config, **{"method.cycles": "2"}).method == GradualMethod(cycles=2)


def test_settings_of_a_method_keep_their_place_whatever_the_order(tmp_path: Path) -> None:
    asked = build("p", **{"method.cycles": "2", "method": "gradual"})
    assert asked == build("p", **{"method": "gradual", "method.cycles": "2"})
    assert asked.method == GradualMethod(cycles=2)
    config = written(tmp_path, "method: {cycles: 3}\n")
    assert build("p", config, method="gradual").method == GradualMethod(cycles=3)
    with pytest.raises(
        SettingsError, match=r"^method\.cycles in .*: only the method gradual has cycles; give --method"
    ):
        build("p", config, method="head")


def test_words_of_the_command_line_are_read() -> None:
    settings = build(
        "p", **{"method": "gradual", "method.phases": '[{"epochs": 2, "unfreeze": 0.5}]', "optim.patience": "none"}
    )
    assert settings.method == GradualMethod(phases=(Phase(epochs=2, unfreeze=0.5),))
    assert settings.optim.patience is None
    assert build("p", **{"data.group_by": "none"}).data.group_by == "none"


def test_a_run_to_go_on_from_and_renamings(tmp_path: Path) -> None:
    config = written(tmp_path, "from_run: runs/a\nclasses: {rename: {hat: cap, Fruit/Apple: Fruit/Apples}}\n")
    settings = build("p", config)
    assert settings.from_run == Path("runs/a")
    assert settings.classes.rename == {"hat": "cap", "Fruit/Apple": "Fruit/Apples"}
    assert from_yaml(written(tmp_path, to_yaml(settings))) == settings
    assert build("p", **{"from": "runs/a"}).from_run == Path("runs/a")
    words = "hat=cap, Fruit/Apple = Fruit/Apples"
    for given in (words, words.split(","), "{hat: cap, Fruit/Apple: Fruit/Apples}", settings.classes.rename):
        assert build("p", from_run="runs/a", **{"classes.rename": given}).classes == settings.classes, given
    assert build("p", from_run="runs/a", **{"classes.rename": "{'a,b': c}"}).classes.rename == {"a,b": "c"}
    assert build("p", **{"classes.rename": "none", "from_run": "none"}) == build("p")


def test_settings_file_in_the_place_of_photos() -> None:
    with pytest.raises(SettingsError, match=r"run\.yaml is a settings file, not photos; give it as --config run\.yaml"):
        build("run.yaml")


def test_whole_settings_take_flags_but_no_config(tmp_path: Path) -> None:
    assert build(EXAMPLES[0], epochs=2) == EXAMPLES[0].model_copy(update={"epochs": 2})
    with pytest.raises(SettingsError, match="is given beside whole settings"):
        build(EXAMPLES[0], written(tmp_path, ""))


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert build("p", written(tmp_path, "# nothing\n")) == build("p")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs: [1\n", r"run.yaml: line 2, column 1 is not YAML that can be read \(expected"),
        ("epochs: 1\nepochs: 2\n", r"line 2, column 1 .* \(the key epochs is given twice\)"),
        ("x: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("- epochs\n", "holds no keys; give lines such as `epochs: 10`"),
    ],
)
def test_broken_yaml(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        build("p", written(tmp_path, text))
    assert len(caught.value.faults) == 1


def test_unreadable_config(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read \(there is no such file\); give a YAML file"):
        build("p", tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match=r"cannot be read \(is a directory\)"):
        build("p", tmp_path)
    (tmp_path / "run.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not text in UTF-8"):
        build("p", tmp_path / "run.yaml")
