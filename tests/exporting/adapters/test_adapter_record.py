"""bundle.json of a base for adapters."""

from __future__ import annotations

from tests.exporting.adapted import AdaptedFake
from tests.exporting.adapters.test_export_adapters import NAMES, RELATIVE
from visionft.bundle import Bundle
from visionft.exporting import Exported


def test_the_record_has_what_is_each_adapters_own(adapted: Exported, low_rank: dict[str, AdaptedFake]) -> None:
    bundle = Bundle.open(adapted.bundle)

    assert (bundle.record.schema_version, bundle.record.classes, bundle.adapters) == (2, (), NAMES)
    assert [adapter.rank for adapter in bundle.record.adapters] == [4, 7, 2]
    for name, run in low_rank.items():
        own, answering = bundle.chosen(name), run.answering(0.8)
        assert own.classes == run.classes
        assert (own.record.temperature, own.record.threshold) == (answering.temperature, answering.threshold)
        assert own.record.provenance["data_fingerprint"] == run.manifest().fingerprint
        assert own.record.agreement is not None
        assert own.record.agreement.max_probability_difference < RELATIVE
        assert own.record.golden.n == 8
    assert "label" not in {row.name for row in bundle.record.tensors}
    assert "3 adapters (shoes with 3 classes, qv.only with 5 classes, mlp with 2 classes)" in str(bundle)
    assert "/home/me" not in (adapted.bundle / "bundle.json").read_text(encoding="utf-8")
