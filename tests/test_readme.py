"""The README is short, its picture is there, and its demo gives flags that exist."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.documents import REPOSITORY
from visionft.cli.app import build_app
from visionft.settings.method import METHODS

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
LINES, PICTURE_BYTES = 150, 150_000


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= LINES


def test_its_picture_is_there_and_small() -> None:
    (place,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert 10_000 < (REPOSITORY / place).stat().st_size < PICTURE_BYTES
    assert (REPOSITORY / place).with_suffix(".py").is_file()
    assert f"`{place.removesuffix('.png')}.py`" in README


@pytest.mark.parametrize("page", ["README.md", "docs/methods.md"])
def test_its_table_has_every_method(page: str) -> None:
    table = (REPOSITORY / page).read_text(encoding="utf-8").split("| `--method` |")[1].split("\n\n")[0]
    told = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert told == set(METHODS)


def test_the_demo_gives_flags_that_exist() -> None:
    """`make demo` itself takes minutes; that it does what the first run shows is parsed here."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"^\t\$\(BIN\)/visionft (.+)$", makefile, re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["fit", "evaluate", "export", "predict"]
    for line in lines:
        build_app().parse_args(shlex.split(line.replace("$(DEMO)", "demo")), exit_on_error=False, print_error=False)
