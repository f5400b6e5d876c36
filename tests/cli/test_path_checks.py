"""The paths of the command line: each is checked before any work, and every printed name is a flag."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

import visionft as vft
from tests.test_misuse import through_process
from visionft.cli import main
from visionft.cli.app import build_app
from visionft.cli.commands import COMMANDS
from visionft.cli.output import finish
from visionft.cli.path_checks import PLACE
from visionft.errors import SettingsError, UsageError
from visionft.settings import ExportSettings, build
from visionft.settings.fields import leaves

LATIN = os.fsdecode(b"lat\xe9")
TEXTS_OF_PATHS = {("predict", "PLACES"), ("search", "PLACES"), ("compare", "--data")}
"""Parameters that are paths, or globs, as text."""
NOT_UTF8 = r"the name of .*lat\\xe9 is not UTF-8, and could not be written into any record; rename it, .*"
BAD = {
    LATIN: NOT_UTF8,
    "": r"(the path is empty; give one, such as \. for this folder|nothing is given; give a name, or leave it out)",
    "a" * 300: r"a+\.\.\. is longer than the file system takes; give a shorter path",
    "thesis.tex/x": r"thesis\.tex/x lies below a file; give a path whose parents are folders",
    "loop": r"loop is a link that leads back to itself; give the folder or file that is meant",
}


def paths_of(command: str) -> list[tuple[str, Any]]:
    """Return (name, argument) of every parameter of a command that is a path."""
    found = []
    for argument in build_app()[command].assemble_argument_collection():
        kinds = {argument.hint, *get_args(argument.hint)}
        if Path in kinds or (command, argument.names[0] if argument.names else "") in TEXTS_OF_PATHS:
            found.append((argument.names[0], argument))
    return found


DOORS = [(command, name) for command in COMMANDS for name, _ in paths_of(command)]
SETTINGS = [leaf for leaf in leaves().values() if leaf.is_place and leaf.path != "photos"]


def words_of(command: str, name: str, value: str) -> list[str]:
    """Return a command line that gives a value to one parameter, and usable ones to those before it."""
    pairs = {name: ["photos", "photos"] for name in ("add-class", "compare", "index")}
    pairs |= {name: ["photos", "a.jpg"] for name in ("predict", "search", "explain")}
    needed = pairs.get(command, ["photos"])
    if name.startswith("-"):
        data = ["--data", "photos"] if command == "compare" and name != "--data" else []
        return [command, *needed, *data, name, value]
    positional = [name for name, _ in paths_of(command) if not name.startswith("-")]
    needed += ["photos"] * (positional.index(name) + 1 - len(needed))  # those that need not be given
    needed[positional.index(name)] = value
    return [command, *needed, *(["--data", "photos"] if command == "compare" else [])]


def test_every_path_of_every_command_passes_the_door() -> None:
    assert len(DOORS) >= 20
    assert {("predict", "PLACES"), ("compare", "--data"), ("fit", "PHOTOS"), ("export", "--out")} <= set(DOORS)
    through = {(command, name) for command in COMMANDS for name, argument in paths_of(command)
               if argument.parameter.converter is PLACE.converter}  # fmt: skip
    assert set(DOORS) == through


@pytest.mark.parametrize(("command", "name"), DOORS, ids=lambda word: word)
def test_a_path_that_is_none_is_one_sentence(
    command: str, name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value, words in BAD.items():
        assert main(words_of(command, name, value)) == 2, value[:9]
        told = capsys.readouterr()
        assert told.out == ""
        assert re.fullmatch(rf"visionft: {re.escape(name)}: {words}\n", told.err), told.err
    assert sorted(entry.name for entry in here.iterdir()) == ["loop", "photos", "thesis.tex"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("leaf", SETTINGS, ids=lambda leaf: leaf.path)
def test_a_setting_that_is_a_path_passes_it_too(leaf: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for value, words in BAD.items():
        assert main(["fit", "photos", f"{leaf.flag}={value}"]) == 2
        assert re.fullmatch(rf"visionft: {leaf.flag}: {words}\n", capsys.readouterr().err)


@pytest.mark.usefixtures("here")
def test_a_run_among_adapters_passes_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--adapters", LATIN, "--out", "x"]) == 2
    assert re.fullmatch(rf"visionft: --adapters: {NOT_UTF8}\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (lambda place: vft.fit(place), "PHOTOS: "),
        (lambda place: vft.fit("photos", out=place), "--out: "),
        (lambda place: vft.fit("photos", optim={"lr": 0.1}, data={"splits": Path(place)}), "--data.splits: "),
        (lambda place: vft.evaluate(place), "the run or bundle: "),
        (lambda place: vft.evaluate("photos", data=place), "--data: "),
        (lambda place: vft.predict(place, "a.jpg"), "the run or bundle: "),
        (lambda place: vft.export(place), "the run or bundle: "),
        (lambda place: vft.export(adapters=["photos"], out=place), "the run or bundle: "),
        (lambda place: vft.blend(place), "the run or bundle: "),
        (lambda place: vft.compare(place, "photos", data="photos"), "the run or bundle: "),
    ],
)
@pytest.mark.usefixtures("here")
def test_the_verbs_of_python_have_the_same_door(verb: Any, words: str) -> None:
    for place in (LATIN, "thesis.tex/x", "a\0b"):
        with pytest.raises(UsageError, match=f"^{words}"):
            verb(place)


@pytest.mark.usefixtures("here")
def test_yaml_cannot_bring_what_no_path_is(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    for text, words in {
        'out: "lat\\udce9"': r"the name of lat\\xe9 is not UTF-8",
        'out: "a\\0b"': r"a\\x00b holds a NUL character, which no path has; leave it out",
        "out: ''": "the path is empty; give one",
        'backbone: "\\udce9"': r"the name of \\xe9 is not UTF-8",
        "out: thesis.tex/x": r"thesis\.tex/x lies below a file",
    }.items():
        config.write_text(text)
        with pytest.raises(SettingsError, match=rf"^\w+ in {config}: {words}"):
            build("photos", config)


def test_below_a_folder_whose_name_is_no_text_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / LATIN
    (folder / "photos").mkdir(parents=True)
    monkeypatch.chdir(folder)
    with pytest.raises(SettingsError, match=r"^PHOTOS: the name of the present folder, .*lat\\xe9, is not UTF-8; "):
        build("photos")
    (tmp_path / "link").symlink_to(LATIN)
    assert build(tmp_path / "link" / "photos").photos.is_dir()  # the way out that the sentence names


def test_inside_a_folder_such_names_are_set_aside(tmp_path: Path, shapes: Path, small: dict[str, Any]) -> None:
    photos = tmp_path / "shapes"
    shutil.copytree(shapes, photos)
    (photos / "disc" / "00.jpg").rename(photos / "disc" / LATIN)
    (photos / "disc" / "01.jpg").rename(photos / "disc" / "red\x1b[31m\n.jpg")
    run = vft.fit(photos, out=tmp_path / "run", say=lambda _: None, **small)
    record = json.loads((run.path / "data.json").read_text(encoding="utf-8"))
    assert [entry["path"].rpartition("/")[2] for entry in record["quarantine"]] == [r"lat\xe9"]
    assert record["photos"] == 59
    rows = vft.predict(run, photos / "disc").to_rows()
    assert [row["path"].rpartition("/")[2] for row in rows if "red" in row["path"]] == [r"red\x1b[31m\n.jpg"]


def test_the_real_process_says_one_line(here: Path) -> None:
    code, out, err = through_process(["fit", LATIN, "--out", "x"])
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"visionft: PHOTOS: {NOT_UTF8}\n", err)


# What is printed


def test_names_move_no_cursor_and_break_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    result = {"run": Path(LATIN), "name": "a\x1b[2J\nb", "text": LATIN}
    finish(f"run a\x1b[2J {LATIN}\nsecond", result, "export", Path("a'\n\x1b\\b"), as_json=False)
    first, second, last = capsys.readouterr().out.splitlines()
    assert (first, second) == (r"run a\x1b[2J lat\xe9", "second")
    assert last == r"Next: visionft export $'a\'\x0a\x1b\\b'"
    finish("", result, as_json=True)
    [line] = capsys.readouterr().out.splitlines()
    assert "\x1b" not in line
    assert json.loads(line) == {"run": LATIN, "name": "a\x1b[2J\nb", "text": LATIN}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_next_command_can_be_copied_whatever_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("plain", "two words", "it's", "a'\n\x1b\\b", "tab\there", "größe\x9b", "$(date)\n"):
        finish("", {}, "export", name, as_json=False)
        word = capsys.readouterr().out.rstrip("\n").removeprefix("Next: visionft export ")
        told = subprocess.run(
            ["bash", "-c", f"printf %s {word}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
        )
        assert told.stdout == name.encode(), name


def test_a_fault_is_one_line_whatever_the_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "gone\n\x1b[31mvisionft: fine"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(r"visionft: the run or bundle gone\n\x1b[31mvisionft: fine does not exist; give the folder")
    assert told.count("\n") == 1


# Every printed name is a flag


def test_every_name_that_settings_prints_is_a_flag(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["settings"]) == 0
    printed = re.findall(r"^(--[\w.-]+) = ", capsys.readouterr().out, re.MULTILINE)
    assert sorted(printed) == sorted(leaf.flag for leaf in leaves().values() if leaf.path != "photos")
    for flag in printed:
        # A value that nothing takes shows that the flag was understood: what is told is about its value alone.
        main(["fit", str(tmp_path), f"{flag}=\x07?"])
        told = capsys.readouterr().err
        assert "has no flag" not in told, told
    assert main(["fit", str(tmp_path), "--method.name", "haed"]) == 2
    assert capsys.readouterr().err.startswith("visionft: --method: haed is not known here; did you mean head? give ")


def test_every_setting_of_an_export_is_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    names = {name for argument in build_app()["export"].assemble_argument_collection() for name in argument.names}
    assert {leaf.flag for leaf in leaves(ExportSettings).values()} <= names


@pytest.mark.parametrize("flag", ["--method.nam", "--optim", "--epoch", "--optim.lr.x", "--data", "--methods", "--lr"])
def test_no_suggestion_is_what_was_given(flag: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["fit", str(tmp_path), flag, "1"]) == 2
    told = capsys.readouterr().err
    assert f"fit has no flag {flag}; " in told
    assert f"did you mean {flag}?" not in told


def test_one_sentence_before_any_work(here: Path) -> None:
    code = "import sys; from visionft.cli import main; print(main(sys.argv[1:]), 'torch' in sys.modules)"
    words = ["fit", "photos", "--method", "head", "--epochs", "5"]
    told = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))})  # fmt: skip
    assert told.stdout.split() == ["2", "False"]
    assert told.stderr == (
        "visionft: --epochs: 5 has no effect, as the method head solves a linear head and trains nothing by epochs; "
        "leave it out, or give --method.solver epochs or another --method\n"
    )
    assert sorted(entry.name for entry in here.iterdir()) == ["loop", "photos", "thesis.tex"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "predict photos photos --adapter a",
            "photos is a run, which answers by itself; leave --adapter a out, or give a bundle",
        ),
        (
            "evaluate photos --adapter a",
            "photos is a run, which answers by itself; leave --adapter a out, or give a bundle",
        ),
        (
            "serve photos --batch 1 --batch-ms 3",
            "--batch-ms: 3 has no effect, as --batch 1 lets no photo wait for others; leave it out, or give a larger "
            "--batch",
        ),
    ],
)
def test_other_commands_refuse_what_has_no_effect(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr().err == f"visionft: {words}\n"


# Signals


def test_the_settings_of_a_moved_run_mean_that_run(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "--config", "moved/settings.yaml"]) == 0
    told = capsys.readouterr().out
    assert "the run moved is finished already" in told
    assert [entry.name for entry in tmp_path.iterdir()] == ["moved"]
