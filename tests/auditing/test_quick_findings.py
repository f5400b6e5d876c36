"""What can be said of photos by their names, sides and digests alone."""

from __future__ import annotations

import pyarrow as pa

from visionft.auditing import quick_findings
from visionft.photos import Quarantined


def table(*rows: tuple[str, str, str | None, str | None, str]) -> pa.Table:
    columns = ("path", "label", "split", "group", "digest")
    return pa.table(
        {name: pa.array(values, pa.string()) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}
    )


def plain(label: str, n: int) -> list[tuple[str, str, str | None, str | None, str]]:
    return [(f"{label}/{place}.jpg", label, "train", None, f"{label}{place}") for place in range(n)]


def test_sound_photos_have_no_finding() -> None:
    assert quick_findings(table(*plain("bag", 12), *plain("hat", 30)), [], ["read as folders"]) == []
    nothing = pa.table({name: pa.array([], pa.string()) for name in ("path", "label", "split", "group", "digest")})
    assert quick_findings(nothing, [], []) == []


def test_every_kind_is_found_the_gravest_first() -> None:
    rows = [*plain("bag", 400), *plain("hat", 9)]
    rows += [("bag/a.jpg", "bag", "test", None, "bag3"), ("hat/b.jpg", "hat", "train", None, "bag4")]
    rows += [("bag/c.jpg", "bag", "train", "sku", "c"), ("bag/d.jpg", "bag", "test", "sku", "d")]
    rows += [("bag/e.jpg", "bag", "train", None, "bag9"), *plain("sock", 3)]
    aside = [Quarantined("bag/broken.jpg", "cut off"), Quarantined(".hidden", "hidden file")]
    found = quick_findings(table(*rows), aside, ["odd classes: 'hat' and 'Hat' may be one; 'x' is short"])
    assert [finding.kind for finding in found] == [
        "unreadable", "leak", "product-leak", "two-labels", "copy", "class-names", "class-names", "small-class",
        "imbalance",
    ]  # fmt: skip
    by_kind = {finding.kind: finding for finding in found}
    assert by_kind["leak"].photos == ("bag/3.jpg", "bag/a.jpg")
    assert by_kind["leak"].words == "2 copies, byte for byte, on test and train"
    assert by_kind["two-labels"].photos == ("bag/4.jpg", "hat/b.jpg")
    assert by_kind["copy"].photos == ("bag/9.jpg", "bag/e.jpg")
    assert by_kind["small-class"].words == "'sock' has 3 photos"
    assert by_kind["imbalance"].figure == 404 / 3
