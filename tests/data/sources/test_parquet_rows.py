"""Parquet files as people and their tools have them: understood, or one sentence, never Arrow's traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visionft.data.sources.listing import Listing
from visionft.data.sources.manifest_table import read_manifest
from visionft.errors import DataError
from visionft.settings import DataSettings

PATHS = ["a.jpg", "b.jpg", "c.jpg"]


def read(folder: Path, table: pa.Table, **columns: str) -> Listing:
    pq.write_table(table, folder / "photos.parquet")
    return read_manifest(folder / "photos.parquet", DataSettings(**columns))


def labels(folder: Path, values: Any, kind: pa.DataType | None = None) -> list[str | None]:
    listing = read(folder, pa.table({"path": PATHS, "label": pa.array(values, kind)}))
    left = {item.path: None for item in listing.quarantine}
    assert {item.reason for item in listing.quarantine} <= {"no label in the manifest"}
    found = dict(zip(listing.table["path"].to_pylist(), listing.table["label"].to_pylist(), strict=True))
    return [value for _, value in sorted((found | left).items())]


@pytest.mark.parametrize("photo", [{"bytes": None}, {}], ids=["bytes and path", "path alone"])
def test_the_struct_of_datasets_is_understood(tmp_path: Path, photo: dict[str, Any]) -> None:
    table = pa.table({"image": [{**photo, "path": path} for path in PATHS], "label": ["hat", "cap", "hat"]})
    if photo:
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        table = table.set_column(0, "image", table["image"].cast(kind))
    listing = read(tmp_path, table, path_column="image")
    assert listing.table["path"].to_pylist() == PATHS
    assert listing.table["label"].to_pylist() == ["hat", "cap", "hat"]


def test_photos_inside_the_table_are_one_sentence_unless_the_files_are_there(tmp_path: Path) -> None:
    photos = [{"bytes": None, "path": "a.jpg"}, {"bytes": b"\xff\xd8", "path": "b.jpg"}, {"bytes": b"x", "path": None}]
    table = pa.table({"image": photos, "label": ["hat", "cap", "hat"]})
    words = r"the column 'image' of .*photos\.parquet holds the photos themselves, as bytes: write each into a file"
    with pytest.raises(DataError, match=words):
        read(tmp_path, table, path_column="image")
    (tmp_path / "b.jpg").write_bytes(b"here")
    listing = read(tmp_path, table, path_column="image")
    assert listing.notes == ("the photos inside photos.parquet are not used: those at its paths are",)
    assert [(item.path, item.reason) for item in listing.quarantine] == [("row 3", "no path in the manifest")]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["hat", None, " cap "], None, ["hat", None, "cap"]),
        ([0.0, float("nan"), 2.0], None, ["0", None, "2"]),
        ([float("inf"), None, -3.0], None, [None, None, "-3"]),
        ([0.5, 1.0, float("nan")], pa.float32(), ["0.5", "1", None]),
        ([1, None, 300], pa.int16(), ["1", None, "300"]),
        ([True, False, None], None, ["true", "false", None]),
        ([b"hat", b"H\xc3\xbct", None], None, ["hat", "Hüt", None]),
        (["hat", "cap", "hat"], pa.large_string(), ["hat", "cap", "hat"]),
        (pa.array(["hat", None, "hat"]).dictionary_encode(), None, ["hat", None, "hat"]),
        (pa.array([1.0, None, 2.0]).dictionary_encode(), None, ["1", None, "2"]),
    ],
)
def test_labels_of_every_plain_kind_are_read(
    tmp_path: Path, values: Any, kind: pa.DataType | None, expected: list[str | None]
) -> None:
    assert labels(tmp_path, values, kind) == expected


def test_whole_floats_are_said_to_be_read_as_whole_numbers(tmp_path: Path) -> None:
    listing = read(tmp_path, pa.table({"path": PATHS, "label": [1.0, 2.0, float("nan")]}))
    assert listing.notes == (
        "the column 'label' of photos.parquet has floating-point numbers, all whole: 1.0 is read as 1",
    )


def test_class_labels_of_datasets_have_their_names(tmp_path: Path) -> None:
    table = pa.table({"path": PATHS, "label": [1, 0, -1]})
    told = {"info": {"features": {"label": {"names": ["cap", "hat"], "_type": "ClassLabel"}}}}
    named = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    listing = read(tmp_path, named)
    assert listing.table["label"].to_pylist() == ["hat", "cap"]
    assert [item.path for item in listing.quarantine] == ["c.jpg"]
    assert listing.notes == ("the classes of photos.parquet have the names that `datasets` kept with it",)
    wrong = pa.table({"path": PATHS, "label": [1, 0, 2]}).replace_schema_metadata(named.schema.metadata)
    with pytest.raises(DataError, match=r"'label' of .* has the class 2, and names for 0 to 1 alone"):
        read(tmp_path, wrong)


@pytest.mark.parametrize(
    "kept", [b"no JSON", b"[]", b'{"info": {"features": {"label": {"_type": "Value"}}}}', b"[" * 9999]
)
def test_other_words_of_datasets_change_nothing(tmp_path: Path, kept: bytes) -> None:
    table = pa.table({"path": PATHS, "label": [1, 0, 1]}).replace_schema_metadata({"huggingface": kept})
    assert read(tmp_path, table).table["label"].to_pylist() == ["1", "0", "1"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"path": PATHS, "label": [["hat"], ["cap"], []]}, "'label' of .* holds list<.*, neither text nor numbers"),
        ({"path": PATHS, "label": [{"a": 1}] * 3}, "'label' of .* holds struct<.*, neither text nor numbers"),
        (
            {"path": [{"url": "x"}] * 3, "label": PATHS},
            "'path' of .* holds struct<.*: name one with --data.path-column",
        ),
        ({"path": [["a.jpg"]] * 3, "label": PATHS}, "'path' of .* holds list<.*, neither text nor numbers"),
        ({"path": [b"\xff\xd8\xff"] * 3, "label": PATHS}, "'path' of .* holds binary, neither text nor numbers"),
        ({"path": [{"path": [1]}] * 3, "label": PATHS}, "'path' of .* holds struct<.*, neither text nor numbers"),
        ({"path": PATHS, "label": [None] * 3}, "names no photos"),
        ({"path": [], "label": []}, "names no photos"),
        ({"path": PATHS, "kind": PATHS}, "no column 'label' .it has path and kind."),
    ],
)
def test_what_names_no_photo_or_class_is_one_sentence(tmp_path: Path, columns: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, pa.table(columns))
    assert "\n" not in str(caught.value)


def test_an_encrypted_file_is_one_sentence(tmp_path: Path) -> None:
    class Plain(encryption.KmsClient):
        def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
            return key_bytes

        def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
            return wrapped_key

    table = pa.table({"path": PATHS, "label": ["hat", "cap", "hat"]})
    factory, connection = encryption.CryptoFactory(lambda _: Plain()), encryption.KmsConnectionConfig()
    wanted = encryption.EncryptionConfiguration(footer_key="k", column_keys={"k": ["path", "label"]})
    properties = factory.file_encryption_properties(connection, wanted)
    with pq.ParquetWriter(tmp_path / "photos.parquet", table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match=r"cannot be read \(.*\): save it as CSV in UTF-8 or as Parquet") as caught:
        read_manifest(tmp_path / "photos.parquet", DataSettings())
    assert "\n" not in str(caught.value)


def test_text_that_is_no_unicode_is_one_sentence(tmp_path: Path) -> None:
    broken = pa.array([b"hat", b"\xff", b"cap"]).view(pa.string())
    with pytest.raises(DataError, match=r"cannot be read \(.*UTF8.*\): save it as CSV"):
        read(tmp_path, pa.table({"path": PATHS, "label": broken}))


def test_the_folder_s_name_is_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "label=hat"
    folder.mkdir()
    assert read(folder, pa.table({"path": PATHS, "label": ["a", "b", "c"]})).table["label"].to_pylist() == [
        "a",
        "b",
        "c",
    ]


values = st.none() | st.floats() | st.sampled_from([0.0, 1.0, 2.0, 1e300, -1.0])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([*PATHS, "", None, "./a.jpg"]), values), min_size=1, max_size=9))
def test_any_numbers_add_up_or_are_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, float | None]]
) -> None:
    paths, kinds = zip(*rows, strict=True)
    table = pa.table({"path": pa.array(paths, pa.string()), "label": pa.array(kinds, pa.float64())})
    listing, fault = None, ""
    try:
        listing = read(tmp_path_factory.mktemp("parquet"), table)
    except DataError as error:
        fault = str(error)
    if listing is None:
        assert "names no photos" in fault or "more than one label" in fault
    else:
        assert listing.table.num_rows + len(listing.quarantine) == len(rows)
        assert not {"nan", "inf", "-inf"} & set(listing.table["label"].to_pylist())


@settings(max_examples=150)
@given(at=st.integers(0, 2000), value=st.integers(0, 255), end=st.integers(0, 2000))
def test_damage_is_one_sentence_or_an_account(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int, end: int
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "photos.parquet"
    pq.write_table(pa.table({"path": PATHS, "label": ["hat", "cap", "hat"]}), path)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = value
    path.write_bytes(content if end % 3 else content[:end])
    fault = ""
    try:
        read_manifest(path, DataSettings())
    except DataError as error:
        fault = str(error)
    assert "\n" not in fault
