"""Write docs/odd_inputs.md from the cases: `python -m tests.odd_inputs.documenting`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from tests.odd_inputs.cases import CASES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "odd_inputs.md"
HEAD = """# What visionft makes of odd inputs

Every row is a test (`tests/odd_inputs`): the input is made, the command is called, and the words on the right must
stand in what it says. Where dots stand, words are left out. An exit code of 0 means that work went on, 1 that you can
mend what is wrong, 2 that the call itself is wrong; nothing that is refused leaves anything behind.
"""


def page() -> str:
    """Return the page as text."""
    parts = [HEAD]
    for kind, cases in groupby(CASES, key=lambda case: case.kind):
        parts.append(f"\n## {kind}\n\n| input | visionft says | exit code |\n|---|---|---|\n")
        parts += [f"| {case.given} | {_cell(case.says)} | {case.code} |\n" for case in cases]
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>").replace("<title>", "`<title>`")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
