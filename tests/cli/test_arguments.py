"""Arguments that several commands take."""

from __future__ import annotations

from visionft.cli.arguments import adapter_words


def test_an_adapter_is_named_in_the_next_command_where_there_is_one() -> None:
    assert adapter_words(None) == []
    assert adapter_words("red shoes") == ["--adapter", "red shoes"]
