"""What an audit found, as doubts about single photos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from visionft.reviewing.cards import Doubt

_DUPLICATES = ("leak", "copy", "near-duplicate")
_FAULTS = ("placeholder", "blank", "dark", "bright", "blurred", "tiny")


def doubts_of(findings: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Iterator[Doubt]:
    """Yield a doubt for each photo that a finding is about.

    Args:
        findings: as audit.json has them.
        labels: class by path, of every photo.
    """
    for found in findings:
        kind, photos = found["kind"], [path for path in found["photos"] if path in labels]
        if kind == "label":
            yield from _label(found, photos)
        elif kind == "two-labels":
            yield from _two_labels(found, photos, labels)
        elif kind in _DUPLICATES:
            yield from _copies(found, photos)
        elif kind == "collage" and len(photos) == len(found["photos"]):
            yield Doubt(
                photos[0], "duplicate", (float(found["figure"]),), f"collage: {found['words']}", other=photos[1]
            )
        elif kind in _FAULTS:
            sure = float(found.get("confidence", 1))
            yield from (Doubt(path, "fault", (sure,), f"{kind}: {found['words']}") for path in photos)


def _label(found: Mapping[str, Any], photos: Sequence[str]) -> Iterator[Doubt]:
    advised = {row["path"]: row for row in found.get("suggestions", ())}
    for path in photos:
        row = advised.get(path, {})
        worth, why = (float(found["confidence"]),), f"{found['words']} (audit)"
        yield Doubt(path, "label", worth, why, row.get("value", ""), row.get("confidence"))


def _two_labels(found: Mapping[str, Any], photos: Sequence[str], labels: Mapping[str, str]) -> Iterator[Doubt]:
    for path in photos:
        other = next((other for other in photos if labels[other] != labels[path]), None)
        if other is not None:
            why = f"the same picture has another label: {found['words']}"
            yield Doubt(path, "label", (float(found["confidence"]),), why, labels[other], None, other)


def _copies(found: Mapping[str, Any], photos: Sequence[str]) -> Iterator[Doubt]:
    """Ask about every copy but the one that stays, which the audit chose by its side and its size."""
    kept = next((row["value"] for row in found.get("suggestions", ()) if row["action"] == "keep-one"), None)
    kept = kept if kept in photos else photos[0] if photos else None
    likeness = 1.0 if found.get("figure") is None else float(found["figure"])
    for path in photos:
        if path != kept and kept is not None:
            yield Doubt(path, "duplicate", (likeness,), f"{found['kind']}: {found['words']}", other=kept)
