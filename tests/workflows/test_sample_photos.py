"""The photos of the package: whole, small, one folder a product, and never over what somebody else has."""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image

from visionft.errors import DataError
from visionft.workflows.sample_photos import ARCHIVE, write_sample


@pytest.fixture(scope="module")
def packed() -> dict[str, bytes]:
    with (files("visionft.workflows") / ARCHIVE).open("rb") as file, zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_is_packed_are_photos_in_folders_of_class_and_product(packed: dict[str, bytes]) -> None:
    assert len(packed) == 180
    for name, data in packed.items():
        kind, product, photo = name.split("/")
        assert product.startswith(f"{kind}-")
        assert photo.endswith(".jpg")
        assert ".." not in name
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.format, max(picture.size)) == ("JPEG", 144)
    assert len(set(packed.values())) == 180, "no photo comes twice"


def test_every_photo_is_written_byte_for_byte_and_what_was_begun_is_ended(
    packed: dict[str, bytes], tmp_path: Path
) -> None:
    place, first = tmp_path / "new" / "photos", next(iter(packed))
    (place / first).parent.mkdir(parents=True)
    assert write_sample(place) == len(packed)
    found = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert found == packed
    (place / first).write_bytes(b"mine")
    assert write_sample(place) == len(packed)
    assert (place / first).read_bytes() == b"mine", "what is there is left as it is"


def test_beside_other_things_nothing_is_written(tmp_path: Path) -> None:
    for name in ("zebra", "mine"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"holds something else \(mine\), so it is left as it is; give another folder$"):
        write_sample(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"zebra", "mine"}


def test_a_file_in_the_way_is_one_sentence(packed: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / next(iter(packed)).partition("/")[0]).touch()
    with pytest.raises(DataError, match=r"^the sample photos cannot be written into .* \(.+\); give another folder$"):
        write_sample(tmp_path)
