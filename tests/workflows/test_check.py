"""Whether a run or a bundle is still as it was written: which of the two it is, and what could be compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bundle.making import make_adapted_bundle, make_bundle
from visionft.errors import RunError
from visionft.files import digests
from visionft.workflows import check


def test_a_run_and_a_bundle_are_told_apart(trained: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    digests.seal(bundle)
    assert [(check(place).kind, check(place).whole) for place in (trained, bundle)] == [("run", True), ("bundle", True)]
    with pytest.raises(RunError, match="is neither a run nor a bundle; give the folder that `visionft fit` or"):
        check(tmp_path)


def test_of_a_bundle_without_digests_the_model_and_adapters_are_compared(tmp_path: Path) -> None:
    found = check(make_adapted_bundle(tmp_path / "b"))
    assert (found.whole, found.compared, found.files) == (True, False, 4)
    assert found.notes == ("written before digests were kept: only the model could be compared",)
    (tmp_path / "b" / "adapters" / "two.onnx_adapter").write_bytes(b"x")
    damaged = check(tmp_path / "b")
    assert not damaged.whole
    assert len(damaged.faults) == 1


def test_a_listed_fault_comes_before_opening(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    digests.seal(bundle)
    (bundle / "bundle.json").write_text("{}")
    found = check(bundle)
    assert [fault.partition(":")[0] for fault in found.faults] == ["bundle.json"]
