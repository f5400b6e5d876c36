"""The values of columns for the photos of an evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import UsageError
from visionft.evaluation import Evaluation
from visionft.evaluation.slice_values import Columns, columns_of_run, with_slices
from visionft.runs import Run


def test_values_are_found_by_path_or_by_the_bytes_and_no_value_is_a_slice_too(evaluation: Evaluation) -> None:
    paths = evaluation.predictions["path"].to_pylist()
    assert evaluation.digests is not None
    digests = list(evaluation.digests)
    half = len(paths) // 2
    columns = Columns(
        {"supplier": dict.fromkeys(paths[:2], "Acme")}, {"supplier": dict.fromkeys(digests[2:half], "Acme")}
    )
    found = with_slices(evaluation, columns)
    assert found.slices is not None
    sizes = {one.value: one.n for one in found.slices}
    assert sizes == {name: n for name, n in (("Acme", half), ("", len(paths) - half)) if name in sizes}
    assert with_slices(evaluation, None) is evaluation


def test_photos_of_a_folder_have_no_columns_of_their_own(trained: Path) -> None:
    with pytest.raises(UsageError, match=r"^--slice: .* is a folder, which has no columns such as supplier"):
        columns_of_run(Run.open(trained), None, "test", ["supplier", "supplier"])


def test_products_are_known_without_a_manifest(shapes: Path, tmp_path: Path, trained: Path) -> None:
    manifest = tmp_path / "shop.csv"
    rows = [f"{path.relative_to(shapes)},{path.parent.name},{path.stem[0]}" for path in sorted(shapes.glob("*/*.jpg"))]
    manifest.write_text("path,label,supplier\n" + "\n".join(rows) + "\n")
    found = columns_of_run(Run.open(trained), manifest, None, ["supplier"])
    assert found.by_path["supplier"]["disc/07.jpg"] == "0"
    assert found.by_digest == {}
