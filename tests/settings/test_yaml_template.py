"""The YAML file to start from."""

from __future__ import annotations

import pytest
import yaml

from visionft.settings.fields import leaves
from visionft.settings.yaml_template import commented_yaml, scalar, sentence


@pytest.mark.parametrize(
    ("value", "text"), [("auto", "auto"), (None, "null"), (True, "true"), (0.05, "0.05"), (200_000_000, "200000000")]
)
def test_a_default_is_written_so_that_yaml_reads_it_again(value: object, text: str) -> None:
    assert scalar(value) == text
    assert yaml.safe_load(f"x: {text}") == {"x": value}


def test_a_sentence_says_whose_setting_it_is_what_may_be_given_and_when_it_acts() -> None:
    every = leaves()
    assert sentence(every["optim.warmup"]).endswith(" Give a number from 0 to 1. Only where weights train by epochs.")
    assert " (method lora, qlora) Give a whole number from 1 to 1024." in sentence(every["method.rank"])
    assert "Give" not in sentence(every["backbone"]), "a name is a name"


def test_every_setting_stands_there_once_and_lines_are_short() -> None:
    text = commented_yaml()
    for path in leaves():
        name = path.rpartition(".")[2]
        assert f"{name}: " in text, path
    assert max(map(len, text.splitlines())) <= 110
    read = yaml.safe_load(text)
    assert "photos" not in read
    assert read["method"] == {"name": "full", "head_first": "auto"}
