"""Tables of addresses: their paths are read, and written anew with all else as it was."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visionft.errors import DataError
from visionft.remote.addresses import Address
from visionft.remote.manifests import absolute, can_be_read, inside, names_addresses, paths_of, rewrite

BASE = Address("s3", "shop/lists/all.csv")


def table(place: Path, text: str, encoding: str = "utf-8") -> Path:
    place.write_bytes(text.encode(encoding))
    return place


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_paths_are_read_by_column_whatever_the_encoding(tmp_path: Path, encoding: str, sign: str) -> None:
    rows = [("label", " image "), ("Mütze", "s3://shop/a.jpg"), ("odd",), ("Hut", "b.jpg")]
    file = table(tmp_path / "t.csv", "".join(sign.join(row) + "\n" for row in rows), encoding)
    assert paths_of(file, "image") == ["s3://shop/a.jpg", "b.jpg"]
    assert paths_of(file, "path") == []
    assert names_addresses(file, "image")
    assert not names_addresses(file, "label")


def test_parquet_columns_of_text_alone_hold_paths(tmp_path: Path) -> None:
    pq.write_table(pa.table({"path": ["s3://shop/a.jpg", None], "number": [1, 2]}), tmp_path / "t.parquet")
    assert paths_of(tmp_path / "t.parquet", "path") == ["s3://shop/a.jpg", ""]
    assert paths_of(tmp_path / "t.parquet", "number") == []
    assert paths_of(tmp_path / "t.parquet", "image") == []


@pytest.mark.parametrize(
    ("name", "text"), [("t.csv", ""), ("t.parquet", "no table"), ("t.csv", 'a,b\n"' + "x" * 200_000)]
)
def test_a_table_that_cannot_be_read_names_nothing(tmp_path: Path, name: str, text: str) -> None:
    file = table(tmp_path / name, text)
    assert not can_be_read(file, "path")
    assert not names_addresses(file, "path")
    assert not names_addresses(tmp_path / "gone.csv", "path")
    assert can_be_read(table(tmp_path / "whole.csv", "path\n"), "path")


def test_other_cells_stay_bytes_for_bytes_also_where_they_are_no_utf_8(tmp_path: Path) -> None:
    text = 'path,label\r\ns3://shop/a.jpg,M\u00fctze\r\n,empty\r\nlonger,than,the header\r\nb.jpg,"a, b"\r\n'
    file = table(tmp_path / "t.csv", text, "latin-1")
    rewrite(file, tmp_path / "new.csv", "path", lambda value: f"<{value}>")
    wanted = text.replace("s3://shop/a.jpg", "<s3://shop/a.jpg>").replace("b.jpg", "<b.jpg>")
    assert (tmp_path / "new.csv").read_bytes() == wanted.encode("latin-1")


def test_a_path_in_a_table_elsewhere_starts_beside_it() -> None:
    assert absolute("photos/a.jpg", BASE) == Address("s3", "shop/lists/photos/a.jpg")
    assert absolute(" gs://other/a.jpg ", BASE) == Address("gs", "other/a.jpg")
    assert absolute("photos/a.jpg", None) is None
    assert absolute("ftp://other/a.jpg", None) is None, "its reader refuses it by its line"
    for value in ("../a.jpg", "/etc/passwd", "C:\\a.jpg"):
        with pytest.raises(DataError, match=r"^s3://shop/lists/all\.csv holds .* which is no path below a folder"):
            absolute(value, BASE)


def test_a_file_s_place_below_a_folder_is_its_address_and_never_outside() -> None:
    assert inside(Address("s3", "shop/a//b.jpg")) == "s3/shop/a/b.jpg"
    with pytest.raises(DataError, match=r"which is no path below a folder"):
        inside(Address("s3", "shop/../../b.jpg"))
