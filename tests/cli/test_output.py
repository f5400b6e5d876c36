"""What a command says at its end: for people on stdout, or one JSON object alone there and the words on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from shlex import split

import numpy as np
import pytest

from visionft.cli.output import counting, finish, say
from visionft.errors import DataError

Captured = pytest.CaptureFixture[str]


def test_words_go_to_stdout_and_beside_json_to_stderr(capsys: Captured) -> None:
    finish("two photos", {"photos": 2}, "fit", Path("my photos"), as_json=False)
    assert capsys.readouterr() == ("two photos\nNext: visionft fit 'my photos'\n", "")
    finish("two photos", {"photos": 2}, "fit", Path("my photos"), as_json=True)
    assert capsys.readouterr() == ('{"photos": 2}\n', "two photos\nNext: visionft fit 'my photos'\n")


def test_nothing_is_said_where_nothing_comes_next(capsys: Captured) -> None:
    finish("", {}, as_json=False)
    assert capsys.readouterr() == ("", "")


def test_numbers_of_numpy_and_paths_are_plain_in_json(capsys: Captured) -> None:
    finish("", {"top1": np.float32(0.5), "n": np.int64(3), "out": Path("a/b"), "none": None}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"top1": 0.5, "n": 3, "out": "a/b", "none": None}


def test_a_failure_is_in_the_object_and_is_raised_once(capsys: Captured) -> None:
    failure = DataError("a photo could not be read")
    with pytest.raises(DataError) as raised:
        finish("", {"asked": 1}, as_json=True, failure=failure)
    assert raised.value is failure
    assert failure.in_result
    told = {"asked": 1, "error": "a photo could not be read", "exit_code": 1}
    assert json.loads(capsys.readouterr().out) == told


def test_a_name_cannot_steer_the_terminal(capsys: Captured) -> None:
    say(False, "photos/\x1b[2J.jpg")
    assert capsys.readouterr().out == "photos/\\x1b[2J.jpg\n"


@pytest.mark.parametrize(
    "name", ["plain", "two words", "it's", "a\nb", os.fsdecode(b"lat\xe9"), "back\\slash\n", "\x1b'"]
)
def test_the_next_command_can_be_copied_into_a_shell(capsys: Captured, name: str) -> None:
    finish("", {}, "fit", Path(name), as_json=False)
    words = capsys.readouterr().out.removeprefix("Next: visionft ").rstrip("\n")
    echo = f"{sys.executable} -c 'import os, sys; sys.stdout.buffer.write(os.fsencode(sys.argv[2]))' {words}"
    told = subprocess.run(["bash", "-c", echo], capture_output=True, check=True)
    assert told.stdout == os.fsencode(name)
    assert len(words.splitlines()) == 1
    assert "\x1b" not in words
    if name == "two words":
        assert split(words) == ["fit", name]


def test_counting_is_silent_where_nobody_looks(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    with counting() as advance:
        advance(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with counting() as advance:
        advance(1, 2000)
    said = capsys.readouterr().err
    assert said.startswith("\r1 of 2,000 photos, ")
    assert said.endswith("\r\x1b[K")


def test_before_the_first_photo_nobody_knows_how_long_it_takes(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with counting() as advance:
        advance(0, 1500)
        assert capsys.readouterr().err == "\r0 of 1,500 photos\x1b[K"
        advance(750, 1500)
        assert " photos, " in capsys.readouterr().err
