"""What a failing command says."""

from __future__ import annotations

import json

import pytest

from visionft.cli.error_output import print_errors, wants_json

Captured = pytest.CaptureFixture[str]


def test_each_sentence_is_one_line_whatever_names_it_holds(capsys: Captured) -> None:
    assert print_errors(["a\nvisionft: fine", "\x1b[31mred"], 3) == 3
    assert capsys.readouterr() == ("", "visionft: a\\nvisionft: fine\nvisionft: \\x1b[31mred\n")


def test_beside_json_there_is_an_object_with_them_all(capsys: Captured) -> None:
    assert print_errors(["größe\n", "b"], 2, as_json=True) == 2
    assert json.loads(capsys.readouterr().out) == {"error": "größe\\n\nb", "exit_code": 2}


def test_where_another_process_says_it_nothing_is_said(capsys: Captured) -> None:
    assert print_errors([], 143, as_json=True) == 143
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("tokens", "is_json"),
    [(["fit", "--json"], True), (["fit", "--", "--json"], False), (["fit", "json"], False), ([], False)],
)
def test_json_is_asked_for_before_the_flags_end(tokens: list[str], is_json: bool) -> None:
    assert wants_json(tokens) is is_json
