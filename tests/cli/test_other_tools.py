"""What people type who come from other tools: each row of the tables names a command or a flag that is there."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from visionft.cli import main
from visionft.cli.app import build_app
from visionft.cli.commands import COMMANDS
from visionft.cli.other_tools import FLAGS, NO_COMMAND, RENAMED, advice
from visionft.settings.other_names import INSTEAD, SAME

ROWS = [(command, name, meant) for command, table in FLAGS.items() for name, meant in table.items()]
THEIRS = {"--nproc-per-node"}
"""Flags in our sentences that are another program's."""


@cache
def flags_of(command: str) -> set[str]:
    """Return every flag that a command takes."""
    found = build_app()[command].assemble_argument_collection()
    return {name for argument in found for name in argument.names} | {"--help", "--version"}


def named_flags(sentence: str) -> set[str]:
    return set(re.findall(r"--[\w.-]+\w", sentence))


@pytest.mark.parametrize(("theirs", "ours"), RENAMED.items())
def test_each_command_elsewhere_has_ours(theirs: str, ours: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ours in COMMANDS
    assert theirs not in COMMANDS
    assert main([theirs, "photos"]) == 2
    assert capsys.readouterr().err == f"visionft: there is no command {theirs}; did you mean {ours}?\n"


@pytest.mark.parametrize("theirs", NO_COMMAND)
def test_each_command_that_is_none_has_its_sentence(theirs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert theirs not in COMMANDS
    assert theirs not in RENAMED
    assert main([theirs]) == 2
    assert capsys.readouterr().err == f"visionft: there is no command {theirs}; {NO_COMMAND[theirs]}\n"


@pytest.mark.parametrize("sentence", sorted(set(NO_COMMAND.values())))
def test_a_sentence_names_commands_and_flags_that_are_there(sentence: str) -> None:
    for command in re.findall(r"visionft ([a-z]+)", sentence):
        assert command in COMMANDS
    known = set().union(*(flags_of(command) for command in COMMANDS))
    assert named_flags(sentence) <= known


@pytest.mark.parametrize(("command", "name", "meant"), ROWS)
def test_each_flag_elsewhere_has_ours(command: str, name: str, meant: str) -> None:
    flags = flags_of(command)
    assert f"--{name.replace('_', '-')}" not in flags, "a flag of ours is no name from elsewhere"
    if command == "predict" and "export RUN" in meant:
        flags |= flags_of("export")
    assert named_flags(meant) <= flags
    assert meant in str(advice(command, f"--{name}", flags))


@pytest.mark.parametrize("name", [*SAME, *INSTEAD])
def test_each_setting_elsewhere_has_a_flag_of_fit(name: str) -> None:
    told = str(advice("fit", f"--{name.replace('_', '-')}", flags_of("fit")))
    found = re.fullmatch(r"did you mean (--[\w.-]+)\?", told)
    assert found[1] in flags_of("fit") if found else told == INSTEAD[name]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("fit . --lr 3", "fit has no flag --lr; did you mean --optim.lr?"),
        ("fit . --batch-size 3", "fit has no flag --batch-size; did you mean --optim.batch-size?"),
        ("fit . --model x", "fit has no flag --model; did you mean --backbone?"),
        ("fit . --imgsz 3", "fit has no flag --imgsz; did you mean --preprocess.size?"),
        ("fit . --num-train-epochs 3", "fit has no flag --num-train-epochs; did you mean --epochs?"),
        ("fit . --resume", "fit has no flag --resume; leave it out: the same command goes on with a run that was int"),
        ("fit . --data x", "fit has no flag --data; photos are given without a flag, as the first word"),
        ("fit . --project x", "fit has no flag --project; did you mean --out?"),
        ("fit . --name x", "fit has no flag --name; did you mean --out?"),
        ("fit . --device cpu", "fit has no flag --device; did you mean --hardware.device?"),
        ("advise . --batch-size 3", "advise has no flag --batch-size; did you mean --optim.batch-size?"),
        ("audit . --lr 3", "audit has no flag --lr; `visionft audit --help` shows what it takes"),
        ("predict x y --topk=3", "predict has no flag --topk; did you mean --top?"),
    ],
)
def test_the_command_line_says_it(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr().err.startswith(f"visionft: {told}")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("fit epochs=3", "fit --epochs 3"),
        ("fit data=photos model=resnet18 imgsz=64", "fit photos --backbone resnet18 --preprocess.size 64"),
        ("fit photos optim.lr=1e-3 method=lora", "fit photos --optim.lr 1e-3 --method lora"),
        ("fit photos freeze=10 resume=True", "fit photos --method head"),
        ("predict source=a.jpg model=runs/x topk=3", "predict runs/x a.jpg --top 3"),
        ("export model=runs/x format=onnx int8=True", "export runs/x --precision int8"),
        ("evaluate runs/x split=test", "evaluate runs/x --split test"),
        ("audit 'data=my photos'", "audit 'my photos'"),
    ],
)  # fmt: skip
def test_names_with_values_are_respelt(line: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(line)) == 2
    assert f": settings are flags here, not name=value; give `visionft {meant}`\n" in capsys.readouterr().err


def test_a_value_in_another_unit_is_told_and_not_respelt(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "photos", "accumulate=4", "epochs=3"]) == 2
    assert capsys.readouterr().err == (
        "visionft: accumulate=4, epochs=3: settings are flags here, not name=value; give `visionft fit photos --epochs "
        "3`; for accumulate give --optim.batch-size, the photos of one step, and --optim.micro-batch, those of one "
        "pass\n"
    )


def test_a_file_with_such_a_name_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "epochs=3").write_text("no photos", encoding="utf-8")
    assert main(["fit", "epochs=3"]) == 1
    assert "neither a folder nor" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["fit photos --classes.rename epochs=3", "predict runs/x lr=3", "fit photos/x=3"])
def test_other_signs_of_equality_are_left_alone(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) != 0
    assert "name=value" not in capsys.readouterr().err


def test_a_setting_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["epochs=3", "data=photos"]) == 2
    assert "there is no command epochs=3; begin with one, such as `visionft fit PHOTOS`" in capsys.readouterr().err
