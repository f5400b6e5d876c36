"""From findings to suggestions.csv: one thing a photo, and nothing that contradicts itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from visionft.auditing.findings import KINDS, Finding
from visionft.data.suggestions import Suggestion

_LEAVES_OUT = ("drop", "keep-one")
_ORDER = {action: at for at, action in enumerate(("drop", "relabel", "keep-one", "group", "review"))}


def merge_suggestions(findings: Iterable[Finding]) -> tuple[Suggestion, ...]:
    """Return one suggestion a photo, the most telling one, in order of paths.

    Of several the one that changes most stands; a photo is never left out in favour of one that is left out itself:
    a person has to look then.
    """
    rank = {kind: at for at, kind in enumerate(KINDS)}
    ordered = sorted(findings, key=lambda finding: rank[finding.kind])
    chosen: dict[str, Suggestion] = {}
    for suggestion in (each for finding in ordered for each in finding.suggestions):
        before = chosen.get(suggestion.path)
        if before is None or _ORDER[suggestion.action] < _ORDER[before.action]:
            chosen[suggestion.path] = suggestion
    gone = {path for path, each in chosen.items() if each.action in _LEAVES_OUT}
    settled = (_settled(each, gone) for each in chosen.values())
    return tuple(sorted(settled, key=lambda each: each.path))


def _settled(suggestion: Suggestion, gone: set[str]) -> Suggestion:
    if suggestion.action == "keep-one" and suggestion.value in gone:
        return replace(suggestion, action="review")
    return suggestion
