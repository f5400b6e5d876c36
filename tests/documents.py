"""The pages that are written for people, and the fenced blocks in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
FENCE = re.compile(r"^( *)```(\{?[\w-]*\}?)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
STARTERS = ("visionft", "python", "torchrun", "srun")
MARKER = re.compile(r"<!-- not run: (.+?) -->\n+\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: its file, relative to the repository.
        language: what stands behind the fence: `bash`, `python`, `text`, or a directive in braces.
        text: what stands between the fences.
        excuse: why it is not run, from the comment above it; empty: it is run.
    """

    page: str
    language: str
    text: str
    excuse: str

    @property
    def lines(self) -> list[str]:
        """The commands of a bash block, without comments."""
        lines = [line.split("  #")[0].rstrip() for line in self.text.replace("\\\n", " ").splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def pages() -> list[Path]:
    """Return every page: the README, CONTRIBUTING, the deployer's page, and all of docs/."""
    own = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "export" / "README.md"]
    return [*own, *sorted(DOCS.rglob("*.md"))]


def named(page: Path) -> str:
    """Return a page's path below the repository."""
    return page.relative_to(REPOSITORY).as_posix()


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        excuse = MARKER.search(text[: match.start()])
        found.append(Block(named(page), match[2], match[3], excuse[1] if excuse else ""))
    return found


def without_blocks(page: Path) -> str:
    """Return the prose of a page."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def visionft_calls(block: Block) -> Iterator[list[str]]:
    """Yield the arguments of each `visionft ...` in a bash block, also behind what starts it, such as `torchrun -m`."""
    for line in block.lines:
        words = shlex.split(line.split(" > ")[0])
        if words[0] in STARTERS and "visionft" in words:
            yield words[words.index("visionft") + 1 :]
