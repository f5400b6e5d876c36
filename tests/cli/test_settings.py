"""`visionft settings`: the tree of each command that has one."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import fields

import pytest

import visionft as vft
from visionft.cli import main
from visionft.settings import ExportSettings, FitSettings, ServeSettings
from visionft.settings.advise import AdviseSettings
from visionft.settings.evaluate import EvaluateSettings
from visionft.settings.fields import Root, leaves
from visionft.settings.find_lr import FindLrSettings
from visionft.settings.predict import PredictSettings
from visionft.settings.search import SearchSettings
from visionft.settings.sweep import SweepSettings

TREES: dict[str, Root] = {
    "fit": FitSettings,
    "export": ExportSettings,
    "serve": ServeSettings,
    "evaluate": EvaluateSettings,
    "predict": PredictSettings,
    "search": SearchSettings,
    "advise": AdviseSettings,
    "find-lr": FindLrSettings,
    "sweep": SweepSettings,
}


@pytest.mark.parametrize(("verb", "root"), TREES.items())
def test_every_setting_of_a_command_is_printed(verb: str, root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", verb]) == 0
    told = capsys.readouterr().out
    assert [leaf for leaf in leaves(root).values() if leaf.path != "photos" and f"{leaf.flag} = " not in told] == []
    assert told.splitlines()[-1].startswith(f"Next: visionft {verb} ")


def test_a_command_and_a_name_show_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "serve", "batch-ms"]) == 0
    assert capsys.readouterr().out.startswith("--batch-ms = 5.0\n    Most milliseconds that a photo waits for others.")


@pytest.mark.parametrize(("words", "told"), [
    (["export", "precison"], "no setting's name holds precison; did you mean precision?"),
    (["doctor", "lr"], f"no command doctor has settings; give one of {', '.join(TREES)}"),
    (["serve", "--yaml"], "--yaml: serve reads no YAML file; leave it out"),
])  # fmt: skip
def test_what_there_is_not_is_one_sentence(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", *words]) == 2
    assert capsys.readouterr().err == f"visionft: {told}\n"


@pytest.mark.parametrize("verb", ["evaluate", "advise", "predict", "search"])
def test_the_verbs_of_python_have_the_same_names_and_defaults(verb: str) -> None:
    declared = {name: field.default for name, field in TREES[verb].model_fields.items()}
    parameters = inspect.signature(getattr(vft, verb)).parameters
    assert {name: parameters[name].default for name in declared} == declared


def test_a_limit_of_the_server_has_the_default_of_its_setting() -> None:
    from visionft.serving.limits import Limits

    given = {field.name: field.default for field in fields(Limits) if field.name in ServeSettings.model_fields}
    defaults = ServeSettings()
    assert len(given) == 8
    assert [name for name, value in given.items() if isinstance(value, int) and value != getattr(defaults, name)] == []


def test_what_serves_has_no_yaml() -> None:
    code = (
        "import sys; sys.modules['yaml'] = sys.modules['torch'] = None\n"
        "from visionft.cli import main\n"
        "import visionft.cli.serve\n"
        "sys.exit(main(['serve', 'nowhere', '--batch', '0']))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.stderr == "visionft: --batch: 0 is less than 1; give a whole number from 1\n"
