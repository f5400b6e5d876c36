"""Tables of addresses are written again with local paths; nothing else in them changes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visionft.remote.local_copy import local_copy


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name in ("disc/1.jpg", "disc/2.jpg", "square/1.jpg", "notes.md", ".hidden/x.jpg"):
        system.pipe(f"/shop/photos/{name}", name.encode())
    return system


@pytest.mark.parametrize(("kind", "ending"), [("csv", "csv"), ("parquet", "parquet")])
@pytest.mark.parametrize("there", [False, True])
def test_the_paths_of_a_manifest_become_local_ones(
    kind: str, ending: str, there: bool, tmp_path: Path, memory: Any
) -> None:
    (tmp_path / "here.jpg").write_bytes(b"here")
    names = ["memory://shop/photos/disc/1.jpg", "memory://shop/photos/gone.jpg"]
    names.append("disc/2.jpg" if there else "here.jpg")
    table = pa.table({"image": names, "label": ["disc", "=odd", "disc"]})
    place = tmp_path / f"photos.{ending}"
    if kind == "parquet":
        pq.write_table(table, place)
    else:
        rows = [("image", "label"), *zip(names, table["label"].to_pylist(), strict=True)]
        place.write_text("".join(f"{';'.join(row)}\n" for row in rows), encoding="utf-8")
    source: str | Path = place
    if there:
        memory.put_file(str(place), f"/shop/photos/all.{ending}")
        source = f"memory://shop/photos/all.{ending}"
    manifest = local_copy(source, path_column="image")
    found = pq.read_table(manifest).to_pylist() if kind == "parquet" else _rows(manifest)
    assert found[0] == {"image": "memory/shop/photos/disc/1.jpg", "label": "disc"}
    assert found[1] == {"image": "memory/shop/photos/gone.jpg", "label": "=odd"}
    assert (manifest.parent / found[2]["image"]).read_bytes() == (b"disc/2.jpg" if there else b"here")
    assert not (manifest.parent / found[1]["image"]).exists()
    assert local_copy(source, path_column="image") == manifest


def _rows(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=";"))
