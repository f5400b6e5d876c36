"""The pages hang together: links lead somewhere, no page is lost, and what they list is what there is."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import visionft
from tests.documents import DOCS, REPOSITORY, named, pages, without_blocks

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", re.DOTALL)
INCLUDED = re.compile(r"^```\{include\} (\S+)", re.MULTILINE)
SHORT = 60  # lines: CONTRIBUTING is one screen


def whole(page: Path) -> str:
    """Return the text of a page, or of what it includes."""
    text = page.read_text(encoding="utf-8")
    found = INCLUDED.findall(text)
    return "\n".join((page.parent / place).read_text(encoding="utf-8") for place in found) if found else text


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^ *```.*?^ *```$", "", whole(page), flags=re.M | re.S), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", head).lower() for head in heads)
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in plain}


def links(page: Path) -> list[str]:
    """Return where a page's links lead, without addresses."""
    return [to for to in LINK.findall(without_blocks(page)) if not re.match(r"[a-z]+:", to)]


@pytest.mark.parametrize("page", [*pages(), REPOSITORY / "examples" / "README.md"], ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        place, _, anchor = link.partition("#")
        target = page if not place else (page.parent / place).resolve()
        assert target.is_file(), f"{named(page)}: {link}"
        assert not anchor or anchor in anchors(target), f"{named(page)}: {link} has no such heading"


def test_there_are_links() -> None:
    assert sum(len(links(page)) for page in pages()) > 40


def test_no_page_is_lost() -> None:
    listed = {DOCS / "index.md"}
    for page in DOCS.rglob("*.md"):
        for toctree in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            entries = [line.split("<")[-1].rstrip(">") for line in toctree.splitlines() if line and line[0] != ":"]
            listed |= {(page.parent / f"{entry}.md").resolve() for entry in entries}
    assert len(listed) > 15
    assert listed == set(DOCS.rglob("*.md"))


def test_contributing_is_one_screen_and_has_the_rooms_in_their_order() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= SHORT
    told = re.findall(r"`(\w+)`", " ".join(re.findall(r"^- (`.+?):", text, re.MULTILINE)))
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "rooms")
    # The registry of tasks lies lower than the tasks themselves, which are what a reader looks for.
    low = {"tasks.registry", "tasks.spec"}
    named = [
        {room.strip() for room in layer.split("|")} - low for layer in reversed(layers) if not layer.startswith("(")
    ]
    floors = [{room.partition(".")[0] for room in rooms} for rooms in named]
    assert set(told) == set().union(*floors)
    floor = [next(i for i, rooms in enumerate(floors) if room in rooms) for room in told]
    assert floor == sorted(floor)


def test_the_file_map_names_what_is_there() -> None:
    design = (DOCS / "design.md").read_text(encoding="utf-8").split("## File map")[1]
    told = re.findall(r"^\| `([\w/.]+)` \|", design, re.MULTILINE)
    assert len(told) > 25
    assert [place for place in told if not (REPOSITORY / place).exists()] == []
    rooms = {path.name for path in (REPOSITORY / "visionft").iterdir() if (path / "__init__.py").is_file()}
    assert rooms == {Path(place).name for place in told if place.startswith("visionft/") and place.endswith("/")}


def test_the_run_folder_is_described_whole() -> None:
    from visionft.runs import layout

    section = (DOCS / "reference" / "files.md").read_text(encoding="utf-8").split("## A bundle")[0]
    assert [name for name in sorted(layout.FINISHED) if f"`{name}`" not in section] == []


def test_the_reference_has_every_public_name() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    told = set(re.findall(r"auto(?:function|class):: (\w+)", text))
    assert set(visionft.__all__) - told - {"VisionftError", "__version__"} == set()
    assert "automodule:: visionft.errors" in text


def test_the_settings_page_has_every_group() -> None:
    from visionft.cli.settings import TREES
    from visionft.settings.fields import groups

    text = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    told = {tuple(words.split()) for words in re.findall(r"\{settings-table\} ([^\n]+)", text)}
    assert told == {(verb,) for verb in TREES} | {(verb, name) for verb, root in TREES.items() for name in groups(root)}


@pytest.mark.slow
def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", str(DOCS), str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    for page in DOCS.rglob("*.md"):
        assert (tmp_path / page.relative_to(DOCS).with_suffix(".html")).is_file(), page
    settings = (tmp_path / "reference" / "settings.html").read_text(encoding="utf-8")
    assert "--optim.label-smoothing" in settings
    assert "visionft.fit" in (tmp_path / "reference" / "python.html").read_text(encoding="utf-8")
