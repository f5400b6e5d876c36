"""What is wrong with photos, before training: bad files, copies, leaks, wrong labels, drift; shown, and suggested."""

from visionft.auditing.audit import Audit
from visionft.auditing.audit_photos import Look, audit_photos, unlabelled
from visionft.auditing.findings import KINDS, Finding
from visionft.auditing.near_duplicates import THRESHOLD
from visionft.auditing.quick_findings import quick_findings
from visionft.auditing.selection import Selection, select_photos
from visionft.auditing.served import against_run
from visionft.auditing.written import check_folder, read_audit, remembered, write

__all__ = [
    "KINDS",
    "THRESHOLD",
    "Audit",
    "Finding",
    "Look",
    "Selection",
    "against_run",
    "audit_photos",
    "check_folder",
    "quick_findings",
    "read_audit",
    "remembered",
    "select_photos",
    "unlabelled",
    "write",
]
