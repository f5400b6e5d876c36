"""What is wrong with photos, before training: bad files, copies, leaks, wrong labels, drift; shown, and suggested."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from visionft.auditing.audit import Audit
from visionft.auditing.findings import KINDS, Finding
from visionft.auditing.quick_findings import quick_findings
from visionft.auditing.written import check_folder, read_audit, remembered, write

if TYPE_CHECKING:
    from visionft.auditing.audit_photos import Look, unlabelled
    from visionft.auditing.near_duplicates import THRESHOLD
    from visionft.auditing.selection import Selection, select_photos
    from visionft.auditing.served import against_run

__all__ = [
    "KINDS",
    "THRESHOLD",
    "Audit",
    "Finding",
    "Look",
    "Selection",
    "against_run",
    "check_folder",
    "quick_findings",
    "read_audit",
    "remembered",
    "select_photos",
    "unlabelled",
    "write",
]

_HEAVY = {
    "THRESHOLD": "near_duplicates",
    "Look": "audit_photos",
    "Selection": "selection",
    "against_run": "served",
    "select_photos": "selection",
    "unlabelled": "audit_photos",
}
"""Names over scikit-learn and usearch, which the page of a run does not need: loaded on their first use (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _HEAVY:
        raise AttributeError(f"module 'visionft.auditing' has no attribute {name!r}")
    value = getattr(import_module(f"visionft.auditing.{_HEAVY[name]}"), name)
    globals()[name] = value
    return value
