"""The command line: help, flags, exit codes, JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import visionft
from visionft import workflows
from visionft.cli import main
from visionft.cli.commands import COMMANDS
from visionft.errors import DiskSpaceError
from visionft.settings import FitSettings, build
from visionft.settings.fields import leaves
from visionft.wording.told import Told

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


class StandIn:
    """Plays the run, so that parsing is tested without training."""

    path = Path("runs/x y")

    def summary(self) -> dict[str, Any]:
        return {"run": str(self.path), "val_top1": 0.5}

    def __str__(self) -> str:
        return "run of a stand-in"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[FitSettings]:
    seen: list[FitSettings] = []

    def fit(settings: FitSettings, /, *, say: Any = print) -> StandIn:
        seen.append(settings)
        say("training")
        return StandIn()

    monkeypatch.setattr(workflows, "fit", fit)
    return seen


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"│ {name} " in told for name in COMMANDS)


def test_alone_it_says_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 10
    assert all(len(line) <= 100 for line in lines)
    named = re.findall(r"visionft ([a-z]+)(?= [A-Z]|  )", "\n".join(lines))
    assert named == ["fit", "runs", "export", "predict", "audit", "advise"]
    assert set(named) <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"Usage: visionft {command}" in capsys.readouterr().out


def test_help_of_fit_has_a_flag_for_every_setting(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["fit", "--help"]) == 0
    told = capsys.readouterr().out
    assert [leaf.flag for leaf in leaves().values() if leaf.path != "photos" and leaf.flag not in told] == []


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "timm", "lightning", "albumentations", "numpy", "pydantic", "onnxruntime")
    code = (
        f"import sys; from visionft.cli import main; main(['--help']); print([x for x in {heavy} if x in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == 0
    assert capsys.readouterr().out.strip() == visionft.__version__


def test_only_given_flags_arrive_and_they_build(calls: list[FitSettings], tmp_path: Path) -> None:
    line = "--method lora --optim.lr 1e-3 --optim.batch_size 8 --augment.no-flip"
    others = "--hardware.channels-last true --data.depth none"
    assert main(["fit", str(tmp_path), *line.split(), *others.split()]) == 0
    assert [settings.model_dump(exclude_unset=True) for settings in calls] == [
        {
            "photos": tmp_path,
            "method": {"name": "lora"},
            "optim": {"lr": 1e-3, "batch_size": 8},
            "augment": {"flip": False},
            "hardware": {"channels_last": True},
            "data": {"depth": None},
        }
    ]


def test_config_may_hold_the_photos(calls: list[FitSettings], tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(f"photos: {tmp_path}\n", encoding="utf-8")
    assert main(["fit", "--config", str(config)]) == 0
    assert [settings.photos for settings in calls] == [tmp_path]


def test_fit_ends_with_the_next_command(
    calls: list[FitSettings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == ["training", "run of a stand-in", "Next: visionft export 'runs/x y'"]


@pytest.mark.parametrize("flag", ["--quiet", "-q"])
def test_a_quiet_fit_says_warnings_and_the_outcome(
    flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fit(_: FitSettings, /, *, say: Any) -> StandIn:
        say("training")
        say("warning: the hub does not answer")
        return StandIn()

    monkeypatch.setattr(workflows, "fit", fit)
    assert main(["fit", str(tmp_path), flag]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == ["run of a stand-in", "Next: visionft export 'runs/x y'"]
    assert told.err == "warning: the hub does not answer\n"
    assert main(["fit", str(tmp_path), flag, "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_fit_is_told_in_short_unless_all_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fit(_: FitSettings, /, *, say: Any) -> StandIn:
        say(Told("all\nof it", "in short"))
        say(Told("  a choice"))
        say("an epoch")
        return StandIn()

    monkeypatch.setattr(workflows, "fit", fit)
    assert main(["fit", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[:-2] == ["in short", "an epoch"]
    for flag in ("--verbose", "-v"):
        assert main(["fit", str(tmp_path), flag]) == 0
        assert capsys.readouterr().out.splitlines()[:-2] == ["all", "of it", "  a choice", "an epoch"]
    assert main(["fit", str(tmp_path), "-q", "-v"]) == 2
    assert capsys.readouterr().err == "visionft: --quiet and --verbose ask for opposite things; give one of them\n"


def test_json_leaves_stdout_to_one_object(
    calls: list[FitSettings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", str(tmp_path), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {"run": "runs/x y", "val_top1": 0.5}
    assert "Next: visionft export" in told.err


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        (
            "fit nowhere --json",
            1,
            "PHOTOS: nowhere does not exist; give a folder of class folders, or a CSV/Parquet .*",
        ),
        ("fit . --json --epochs x --seed y", 2, r"--epochs: x is not a whole number; .*\n--seed: y is not a whole .*"),
        ("fit --json --frobnicate", 2, "fit has no flag --frobnicate; .*"),
        ("frobnicate --json", 2, "there is no command frobnicate; give one of .*"),
        ("runs nowhere --json", 1, "the folder of runs nowhere does not exist; .*"),
    ],
)
def test_json_says_a_failure_too(line: str, code: int, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == code
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert re.fullmatch(error, found["error"])
    assert found["exit_code"] == code
    assert [f"visionft: {sentence}" for sentence in found["error"].splitlines()] == told.err.splitlines()


def test_json_says_an_interruption_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fit(*_: Any, **__: Any) -> None:
        raise Interrupted("stopped after step 3")

    monkeypatch.setattr(workflows, "fit", fit)
    assert main(["fit", str(tmp_path), "--json"]) == 143
    assert json.loads(capsys.readouterr().out) == {"error": "stopped after step 3", "exit_code": 143}


def test_without_json_stdout_stays_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "nowhere"]) == 1
    assert main(["predict", "nowhere", "--", "--json"]) == 2
    assert capsys.readouterr().out == ""


class Interrupted(KeyboardInterrupt):
    exit_code = 143


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (Interrupted("stopped after step 3"), 143, "stopped after step 3"),
        (DiskSpaceError("2 GB are needed"), 1, "2 GB are needed"),
    ],
)
def test_exit_codes(
    raised: BaseException,
    code: int,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fit(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(workflows, "fit", fit)
    assert main(["fit", str(tmp_path)]) == code
    assert capsys.readouterr().err == f"visionft: {line}\n"


def test_a_bug_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(workflows, "fit", fit)
    with pytest.raises(ZeroDivisionError):
        main(["fit", str(tmp_path)])


def test_a_reader_who_leaves_is_no_error() -> None:
    command = [sys.executable, "-m", "visionft", "settings"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


def test_settings_prints_the_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"]) == 0
    told = capsys.readouterr().out
    assert [leaf.flag for leaf in leaves().values() if leaf.path != "photos" and f"{leaf.flag} = " not in told] == []
    assert told.splitlines()[-1] == "Next: visionft fit PHOTOS"
    assert main(["settings", "batch-size"]) == 0
    assert capsys.readouterr().out.startswith("--optim.batch-size = auto\n    Photos in one optimizer step.")
    assert main(["settings", "patience"]) == 0
    assert "1, or none. Only where weights train by epochs.\n" in capsys.readouterr().out


def test_settings_as_yaml_are_the_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--yaml"]) == 0
    config = tmp_path / "run.yaml"
    config.write_text(capsys.readouterr().out, encoding="utf-8")
    assert build("photos", config) == build("photos")


@pytest.mark.slow
def test_doctor_names_versions_and_hardware(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"python", "torch", "timm", "onnxruntime", "cores", "gpu", "bf16", "free disk here"} <= set(told)
    assert "hub" not in told
