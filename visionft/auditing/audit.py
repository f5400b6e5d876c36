"""What an audit found, as a value that shows itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa

from visionft.auditing.findings import KINDS, Finding
from visionft.auditing.marked_pairs import Pair
from visionft.auditing.merge_suggestions import merge_suggestions
from visionft.data import QuickAudit
from visionft.data.suggestions import Suggestion
from visionft.photos import printable
from visionft.wording.lists import some


@dataclass(frozen=True, eq=False)
class Audit:
    """What is wrong with photos.

    Attributes:
        photos: the folder or the manifest.
        overview: how they are read, and how many there are of each class and side.
        root: folder that paths are relative to.
        findings: the gravest kinds first; within a kind the surest first.
        pairs: near duplicates with their likeness, the most alike first.
        facts: figures: photos, seconds, threshold with its explanation, backbone, drift.
        verdict: whether it is time to train again, in a sentence; None where no run was given.
        out: the folder that it was written to; None: none.
        table: the photos that were looked at, with their digests.
    """

    photos: Path
    overview: QuickAudit
    root: Path
    findings: tuple[Finding, ...]
    pairs: tuple[tuple[Pair, float], ...]
    facts: dict[str, Any] = field(default_factory=dict)
    verdict: str | None = None
    out: Path | None = None
    table: pa.Table | None = field(default=None, repr=False)

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """What to do, one row a photo, as suggestions.csv has it."""
        return merge_suggestions(self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """Count the findings of each kind that was found."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in KINDS if kind in found}

    def to_json(self) -> dict[str, Any]:
        """Return plain values: the whole record."""
        return {
            **self.overview.to_json(),
            **self.facts,
            "found": self.counts,
            "verdict": self.verdict,
            "findings": [finding.to_json() for finding in self.findings],
            "suggestions": dict(Counter(each.action for each in self.suggestions)),
            "out": None if self.out is None else str(self.out),
        }

    def __str__(self) -> str:
        rows = [(KINDS[kind].title, f"{number:,}", self._example(kind)) for kind, number in self.counts.items()]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        lines = [f"  {title.ljust(widths[0])}  {number.rjust(widths[1])}  {words}" for title, number, words in rows]
        head = "found, the gravest first:" if rows else "nothing was found"
        done = Counter(each.action for each in self.suggestions)
        tally = [some([f"{number:,} {action}" for action, number in done.most_common()])] if done else []
        told = [f"suggestions: {tally[0]}"] if tally else []
        verdict = [self.verdict] if self.verdict else []
        files = [f"written: {self.out}/ with audit.html, audit.json and suggestions.csv"] if self.out else []
        notes = list(self.facts.get("notes", ()))
        return "\n".join(
            [str(self.overview), *(f"note: {note}" for note in notes), head, *lines, *told, *verdict, *files]
        )

    def _example(self, kind: str) -> str:
        first = next(finding for finding in self.findings if finding.kind == kind)
        words = f"{' = '.join(first.photos[:2])}: {first.words}" if first.photos else first.words
        return words if len(words) <= 110 else f"{words[:107]}..."

    def _repr_html_(self) -> str:
        cells = ((KINDS[kind].title, f"{number:,}", KINDS[kind].means) for kind, number in self.counts.items())
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        head = "<tr><th>found</th><th>number</th><th>what it means</th></tr>"
        verdict = f"<p>{escape(self.verdict)}</p>" if self.verdict else ""
        return f"<table><caption>Audit of {escape(printable(self.photos))}</caption>{head}{rows}</table>{verdict}"
