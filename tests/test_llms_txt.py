"""The list of pages for readers that are programs: every page once, with a sentence, under an address that is built."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.documents import DOCS

sys.path.insert(0, str(DOCS / "ext"))
from llms_txt import llms_txt

LINE = re.compile(r"^- \[(.+)\]\((\S+)\): (.+)$")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return llms_txt(DOCS).splitlines()


def test_it_begins_as_the_format_says(lines: list[str]) -> None:
    assert lines[0] == "# visionft"
    assert lines[2].startswith("> visionft turns a folder of product photos into")
    assert [line for line in lines if line.startswith("## ")] == ["## Pages", "## How to", "## Reference"]
    assert all(not line or LINE.match(line) for line in lines[3:] if not line.startswith("## "))


def test_every_page_is_there_once(lines: list[str]) -> None:
    told = [found[2] for line in lines if (found := LINE.match(line))]
    pages = {page.relative_to(DOCS).with_suffix(".html").as_posix() for page in DOCS.rglob("*.md")} - {"index.html"}
    assert sorted(told) == sorted(pages)


def test_every_page_says_what_it_is_about(lines: list[str]) -> None:
    told = [found[3] for line in lines if (found := LINE.match(line))]
    assert len(set(told)) == len(told)
    assert [line for line in told if not line[0].isupper() and line[0] not in "`*"] == []
    assert [line for line in told if len(line) < 25 or "](" in line] == []


def test_a_page_without_a_sentence_is_named(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text("# Top\n\nIt is.\n\n```{toctree}\nbare\n```\n", encoding="utf-8")
    (tmp_path / "bare.md").write_text("# Bare\n\n| a | b |\n|---|---|\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"bare.md has no sentence of its own"):
        llms_txt(tmp_path)
