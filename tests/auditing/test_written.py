"""The folder of an audit: what may lie in it, and what is remembered from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.auditing.marked_pairs import to_csv
from visionft.auditing.written import FILES, MARKED, check_folder, remembered
from visionft.errors import UsageError


def test_an_audit_s_own_files_and_unfinished_ones_are_no_others(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    for name in (*FILES, ".audit.json.12.part"):
        (tmp_path / name).touch()
    check_folder(tmp_path)
    for name in "dcba":
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=r"holds other files \(a, b, c\); name an empty or new folder"):
        check_folder(tmp_path)
    with pytest.raises(UsageError, match=r"^--out: .*a is a file, not a folder; name a folder"):
        check_folder(tmp_path / "a")


def test_pairs_of_earlier_audits_are_remembered(tmp_path: Path) -> None:
    assert remembered(None) == remembered(tmp_path) == set()
    (tmp_path / MARKED).write_text(to_csv([("a", "b")]))
    assert remembered(tmp_path) == {("a", "b")}
