"""`visionft models`: backbones with licence, size and parameters."""

from __future__ import annotations

import json

import pytest

from visionft.cli import main
from visionft.cli.models import _table


@pytest.mark.slow
def test_models_have_licence_size_and_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "mobilenetv2_100.ra_in1k", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["models"] == [
        {"name": "mobilenetv2_100.ra_in1k", "size": 224, "licence": "apache-2.0", "parameters": 2_223_872}
    ]
    assert main(["models", "visionft", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["models"] == [{"name": "visionft_pico", "size": 128, "licence": "apache-2.0", "parameters": 1_158_208}]


@pytest.mark.slow
def test_models_says_how_many_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "resnet", "--limit", "2"]) == 0
    assert "more; give a longer name or --limit" in capsys.readouterr().out
    assert main(["models", "frobnicate"]) == 2
    assert "no backbone with pretrained weights has frobnicate in its name" in capsys.readouterr().err


def test_a_limit_below_one_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--limit", "0"]) == 2
    assert capsys.readouterr().err == "visionft: --limit: 0 is less than 1; give a whole number from 1\n"


def test_a_table_leaves_out_what_is_not_known() -> None:
    rows = [
        {"name": "a", "size": 224, "parameters": 2_223_872, "licence": "apache-2.0"},
        {"name": "longer", "size": None, "parameters": None, "licence": "not stated"},
    ]
    head, *lines = [line.split() for line in _table(rows).splitlines()]
    assert head == ["backbone", "pixels", "params", "licence", "of", "the", "weights"]
    assert lines == [["a", "224", "2.2", "M", "apache-2.0"], ["longer", "not", "stated"]]
