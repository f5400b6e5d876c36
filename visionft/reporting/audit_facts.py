"""What an audit says of a run's photos: what can be told from its records, and the audit of them where one was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from visionft.auditing import KINDS, quick_findings, read_audit
from visionft.errors import DataError
from visionft.photos import Quarantined, printable
from visionft.runs import Run, layout
from visionft.runs.run_files import read_json
from visionft.tasks.registry import spec_of

EXAMPLES = 5
"""Findings of a kind that a page names, the surest first; all are in audit.json."""
_OF_SIZES = ("small-class", "imbalance")
PHOTOS = 4
"""Photos of a finding that are named."""
Facts = dict[str, Any]


def audit_facts(run: Run) -> Facts:
    """Return what is known of a run's photos.

    Returns:
        `quick`, the kinds that the run's own records show; `made`, those of the audit of its photos, and `folder`
        where that lies; both None where there is none; `applied`, the file that the run followed and how many photos
        it relabelled, left out and so on, None where it followed none; `problem`, why an audit could not be read.
    """
    record = read_json(run.path / layout.DATA)
    quarantine = [Quarantined(**item) for item in record["quarantine"]]
    quick = quick_findings(run.manifest().table, quarantine, record["notes"])
    if "queries" in spec_of(run.task).stages:  # classes are products there, and few photos of each are the rule
        quick = [finding for finding in quick if finding.kind not in _OF_SIZES]
    applied = record.get("suggestions")
    folder, made, problem = _made(str(record.get("source", record["root"])), applied)
    return {
        "quick": _kinds(finding.to_json() for finding in quick),
        "made": None if made is None else _kinds(made["findings"]),
        "folder": None if folder is None else printable(folder),
        "problem": problem,
        "applied": None
        if applied is None
        else {"file": printable(applied["file"]), "sha256": applied["sha256"], "counts": applied["applied"]},
    }


def _made(source: str, applied: Mapping[str, Any] | None) -> tuple[Path | None, Facts | None, str | None]:
    """Return the audit of the photos: that which was followed, else the one that lies where `audit` writes it."""
    places = [] if applied is None else [Path(applied["file"]).parent]
    places.append(Path("audits") / Path(source).absolute().stem)
    for place in places:
        if not (place / "audit.json").is_file():
            continue
        try:
            record = read_audit(place)
        except DataError as error:
            return None, None, printable(str(error))
        if Path(record["photos"]).absolute() == Path(source).absolute():
            return place, record, None
    return None, None, None


def _kinds(findings: Iterable[Mapping[str, Any]]) -> list[Facts]:
    """Return the kinds that were found, the gravest first, each with how often and with some examples."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for finding in findings:
        found.setdefault(finding["kind"], []).append(finding)
    return [
        {
            "kind": kind,
            "title": KINDS[kind].title,
            "means": KINDS[kind].means,
            "grave": KINDS[kind].grave,
            "number": len(found[kind]),
            "examples": [_example(finding) for finding in found[kind][:EXAMPLES]],
        }
        for kind in KINDS
        if kind in found
    ]


def _example(finding: Mapping[str, Any]) -> Facts:
    photos = [printable(path) for path in finding["photos"]]
    return {"words": printable(finding["words"]), "photos": photos[:PHOTOS], "more": max(0, len(photos) - PHOTOS)}
