"""The shells' completions have every command and flag."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from visionft.cli import main
from visionft.cli.commands import COMMANDS
from visionft.settings.fields import leaves


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_flag_is_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in script] == []
    flags = [leaf.flag.removesuffix(".name").lstrip("-") for leaf in leaves().values() if leaf.path != "photos"]
    assert [flag for flag in flags if flag not in script] == []
    if program := shutil.which(shell):
        checked = subprocess.run([program, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    asked = 'COMP_WORDS=(visionft fit photos --optim.l); COMP_CWORD=3; _visionft; printf "%s\\n" "${COMPREPLY[@]}"'
    told = subprocess.run(
        ["bash", "-c", f"{capsys.readouterr().out}\n{asked}"], capture_output=True, text=True, check=True
    )
    assert {"--optim.lr", "--optim.label-smoothing", "--optim.layer-decay"} <= set(told.stdout.split())


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "csh"]) == 2
    assert "csh is not known here; " in capsys.readouterr().err
