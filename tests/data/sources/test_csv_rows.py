"""CSV files as people have them: every line is a photo, has a reason, or is refused by its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visionft.cli import main
from visionft.data.sources.csv_rows import LONGEST
from visionft.data.sources.listing import Listing
from visionft.data.sources.manifest_table import read_manifest
from visionft.errors import DataError
from visionft.settings import DataSettings

HEADER = "path,label,note\n"
QUOTES = "has a quote that is not closed on that line, or text beside a quoted field: keep every row on one line"


def read(folder: Path, content: str | bytes, name: str = "photos.csv") -> Listing:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_manifest(path, DataSettings())


def labels(listing: Listing) -> list[tuple[str, str]]:
    return [(row["path"], row["label"]) for row in listing.table.to_pylist()]


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (['a.jpg,hat,"5 inch', "b.jpg,hat,ok", 'c.jpg,cap,6"'], 2),  # swallowed every row between the two
        (["a.jpg,hat,ok", 'b.jpg,"hat,ok', "c.jpg,cap,ok"], 3),  # never closed
        (["a.jpg,hat,ok", 'b.jpg,hat,"two', 'lines"'], 3),  # closed, on another line
        (["a.jpg,hat,ok", 'b.jpg,"h"at,ok'], 3),
    ],
)
def test_a_quote_beyond_its_field_is_refused_by_its_line(tmp_path: Path, lines: list[str], number: int) -> None:
    with pytest.raises(DataError, match=rf"line {number} of the manifest .* {QUOTES}") as caught:
        read(tmp_path, HEADER + "\n".join(lines) + "\n")
    assert "\n" not in str(caught.value)


def test_quotes_that_enclose_a_field_or_stand_inside_one_are_read(tmp_path: Path) -> None:
    listing = read(tmp_path, HEADER + '"a, b.jpg","h""at",6"\nc.jpg, "cap", 5" or 6"\n')
    assert labels(listing) == [("a, b.jpg", 'h"at'), ("c.jpg", "cap")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_every_end_of_line_and_delimiter_is_read(tmp_path: Path, end: str, sign: str) -> None:
    rows = [("label", "path", "size, in cm"), ("hat", "a.jpg", "1,5"), ("cap", "b;c.jpg", "2")]
    quoted = [[f'"{field}"' if {",", ";"} & set(field) else field for field in row] for row in rows]
    assert labels(read(tmp_path, end.join(sign.join(row) for row in quoted))) == [("a.jpg", "hat"), ("b;c.jpg", "cap")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_unicode_encoding_is_read_and_an_odd_one_said(tmp_path: Path, encoding: str) -> None:
    listing = read(tmp_path, "path,label\na.jpg,Hütchen\n".encode(encoding))
    assert labels(listing) == [("a.jpg", "Hütchen")]
    odd = encoding in ("utf-16", "utf-32")
    assert listing.notes == ((f"photos.csv is read as {encoding.upper()}, by its byte order mark",) if odd else ())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("path,label\na.jpg,hat\nb.jpg,Hütchen\n".encode("latin-1"), "line 3 of .* cannot be read as text in UTF-8"),
        (
            "path,label\na.jpg,hat\n".encode("utf-16") + b"\x00\xd8\n\x00",
            "line 3 of .* cannot be read as text in UTF-8",
        ),
        ("path,label\na.jpg,hat\n".encode("utf-16-le"), "line 1 of .* holds a NUL character, as files in UTF-16 and"),
        (b"path,label\na.jpg,h\0t\n", "line 2 of .* holds a NUL character"),
        (
            b"path,label\na.jpg," + b"x" * LONGEST + b"\n",
            "line 2 of .* has more than 100,000 characters: give one row a",
        ),
        (
            b"path,label\na.jpg\n",
            "line 2 of .* has 1 field and the header has 2: put a value that holds a ',' in quotes",
        ),
        (b"path\tlabel\na\tb\tc\n", "line 2 of .* has 3 fields and the header has 2: put a value that holds a tab in"),
        (b'path,"label\na.jpg,hat\n', f"line 1 of the manifest .* {QUOTES}"),
        (b"\xff\xd8\xff\xe0JFIF", "line 1 of .* cannot be read as text"),
        (b"path,label,label\na.jpg,hat,cap\n", "more than one column 'label'"),
        (b"path,label", "names no photos: give it one row a photo"),
        (b"path,label\n,hat\na.jpg,\n", "names no photos: give it one row a photo"),
    ],
)
def test_what_is_no_row_is_one_sentence_with_its_line(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_lines_that_hold_nothing_are_counted_and_no_photos(tmp_path: Path) -> None:
    listing = read(tmp_path, "\npath,label,\n\na.jpg,hat,\n,,\n b.jpg , cap \n".replace(" cap ", " cap ,"))
    assert labels(listing) == [("a.jpg", "hat"), ("b.jpg", "cap")]
    assert listing.notes == ("2 lines of photos.csv hold nothing and are no photos",)
    assert not listing.quarantine


def test_columns_that_are_not_read_may_repeat_and_have_no_name(tmp_path: Path) -> None:
    assert labels(read(tmp_path, "note,path,note,label,\nx,a.jpg,y,hat,\n")) == [("a.jpg", "hat")]


def test_excel_s_own_first_line_is_understood(tmp_path: Path) -> None:
    assert labels(read(tmp_path, "sep=;\npath;label\na,b.jpg;hat\n")) == [("a,b.jpg", "hat")]


def test_the_case_of_a_stray_quote_is_refused_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{kind}/{number}.jpg,{kind},ok" for kind in ("hat", "shoes", "dress") for number in range(24)]
    rows[4], rows[39] = rows[4].replace("ok", '"5 inch'), rows[39].replace("ok", '6"')
    with pytest.raises(DataError, match=rf"line 6 of the manifest .* {QUOTES}"):
        read(tmp_path, HEADER + "\n".join(rows) + "\n")
    assert main(["fit", str(tmp_path / "photos.csv"), "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("visionft: ")] == [
        f"visionft: line 6 of the manifest {tmp_path / 'photos.csv'} {QUOTES}, and write a quote inside a field twice "
        '("")'
    ]
    assert not (tmp_path / "run").exists()


fields = st.text(st.sampled_from("ab,;\"\n\r\t'=\0é \\"), max_size=6) | st.sampled_from(
    ["hat", "cap", "a.jpg", "b.jpg"]
)
lines = st.lists(st.lists(fields, max_size=4).map(",".join), max_size=8).map("\n".join)
heads = st.sampled_from(["path,label\n", "label;path;note\n", '"path","label"\r', "path,label,split\n", ""])


@settings(max_examples=200)
@given(head=heads, body=lines | st.binary(max_size=60), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_any_file_adds_up_or_is_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, head: str, body: str | bytes, encoding: str
) -> None:
    content = head.encode(encoding) + (body.encode(encoding) if isinstance(body, str) else body)
    listing, fault = None, None
    try:
        listing = read(tmp_path_factory.mktemp("csv"), content)
    except DataError as error:
        fault = str(error)
    if listing is None:
        assert fault
        assert "\n" not in fault
        return
    text = content.decode("utf-16" if encoding == "utf-16" else "utf-8-sig")
    # A line that was accepted holds its quotes closed, so that lines can be counted without any parser.
    physical = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    blank = sum(not re.sub(r'[\s,;|"]', "", line) for line in physical)
    rows = listing.table.num_rows + len(listing.quarantine)
    assert len(physical) - 1 - blank <= rows <= len(physical) - 1
