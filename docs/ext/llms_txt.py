"""`llms.txt` beside the pages: what each of them is about, for readers that are programs (https://llmstxt.org)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.DOTALL)
INCLUDE = re.compile(r"```\{include\} (\S+)")
BESIDE = ("```", "<", "{", "!", "|", "#", "- ")
"""How a block of something else than sentences begins."""
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
SENTENCE = re.compile(r".*?\.(?=\s|$)", re.DOTALL)


def llms_txt(docs: Path) -> str:
    """Return the file: the front page's sentences, then every page by its section, each with its first sentence.

    Args:
        docs: the folder of the pages; `index.md` names the others in its toctrees.
    """
    front, listed = docs / "index.md", _children(docs / "index.md")
    sections = {"Pages": [page for page in listed if not _children(page)]}
    for page in listed:
        if _children(page):
            sections[_title(page)] = [page, *_children(page)]
    told = [f"# {_title(front)}", f"> {_paragraph(front)}"]
    for name, pages in sections.items():
        lines = [f"- [{_title(page)}]({_address(page, docs)}): {_sentence(page)}" for page in pages]
        told += [f"## {name}", "\n".join(lines)]
    return "\n\n".join(told) + "\n"


def _children(page: Path) -> list[Path]:
    """Return the pages of a page's toctrees in their order."""
    found = []
    for tree in TOCTREE.findall(page.read_text(encoding="utf-8")):
        entries = [line.split("<")[-1].rstrip(">") for line in tree.splitlines() if line and line[0] != ":"]
        found += [page.parent / f"{entry}.md" for entry in entries]
    return found


def _text(page: Path) -> str:
    """Return the text of a page, or of what it includes."""
    text = page.read_text(encoding="utf-8")
    included = INCLUDE.search(text)
    return (page.parent / included[1]).read_text(encoding="utf-8") if included else text


def _title(page: Path) -> str:
    found = HEADING.search(_text(page))
    assert found, page
    return found[1]


def _paragraph(page: Path) -> str:
    """Return the first paragraph under the title, on one line, links as their words."""
    below = HEADING.split(_text(page), maxsplit=1)[2]
    blocks = [block.strip() for block in below.split("\n\n")]
    prose = next((block for block in blocks if block and not block.startswith(BESIDE)), "")
    assert prose, f"{page} has no sentence of its own under its title"
    return " ".join(LINK.sub(r"\1", prose).split())


def _sentence(page: Path) -> str:
    whole = _paragraph(page)
    found = SENTENCE.match(whole)
    return (found[0] if found else whole).rstrip(":")


def _address(page: Path, docs: Path) -> str:
    return page.relative_to(docs).with_suffix(".html").as_posix()


def _write(app: Sphinx, failure: Exception | None) -> None:
    if failure is None and app.builder.name == "html":
        (Path(app.outdir) / "llms.txt").write_text(llms_txt(Path(app.srcdir)), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
