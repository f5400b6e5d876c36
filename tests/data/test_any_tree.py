"""Whatever lies in a folder: every file is accounted for exactly once, or one sentence says why it cannot be read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from visionft.data.prepare import list_photos
from visionft.data.sources.listing import Listing
from visionft.errors import DataError
from visionft.photos import printable
from visionft.settings import DataSettings

NAMES = (
    *("train", "Training", "test", "test_set", "val", "dev", "dataset", "images", ".git", "__MACOSX"),
    *("hat", "Hat", "shoes", "SKU12", "SKU13", "more", "1", "01", "nan", "=1+1", "Crème"),
)
FILES = ("a.jpg", "b.png", "c.JPEG", ".hidden.jpg", "Thumbs.db", "notes.txt", "no-suffix", "x\ny.jpg")
path = st.lists(st.sampled_from(NAMES), min_size=0, max_size=4).map("/".join)
sides = st.lists(st.sampled_from(("train", "Training", "val", "dev", "test", "Testing")), max_size=3, unique=True)
plan = st.fixed_dictionaries(
    {
        "files": st.lists(st.tuples(path, st.sampled_from(FILES)), max_size=24),
        "empty": st.lists(path, max_size=3),
        "links": st.lists(st.tuples(path, path), max_size=5),
        "grid": st.tuples(path.filter(lambda path: path.count("/") < 2), sides).map(list),
        "rude": st.sampled_from(([], [], [], ["a\nb"])),
        "pipes": st.lists(path, max_size=2),
    }
)


def build(root: Path, drawn: dict[str, Any]) -> None:
    for folder in drawn["empty"]:
        (root / folder).mkdir(parents=True, exist_ok=True)
    around, tops = drawn["grid"]
    named = [(f"./{around}/{top}/{kind}", "photo.jpg") for top in tops for kind in ("hat", "shoes")]
    for folder, name in [*drawn["files"], *named, *((rude, "a.jpg") for rude in drawn["rude"])]:
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / name).write_bytes(b"x")
    for folder in drawn["pipes"]:
        (root / folder).mkdir(parents=True, exist_ok=True)
        if not (root / folder / "pipe.jpg").exists():
            os.mkfifo(root / folder / "pipe.jpg")
    for number, (folder, target) in enumerate(drawn["links"]):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / f"link{number}").symlink_to((root / target).resolve())


def read(root: Path, known: list[str] | None) -> Listing | str:
    try:
        return list_photos(root, DataSettings(), known)
    except DataError as refusal:
        return str(refusal)


def real_files(root: Path) -> Iterator[str]:
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not (Path(place) / name).is_symlink()]
        yield from ((Path(place) / name).relative_to(root).as_posix() for name in names)


def accounts(listing: Listing, file: str) -> int:
    """Count how often a file is told of: as a row, in quarantine, or in what is ignored beside what is read."""
    assert listing.reading is not None
    aside = [item.path for item in listing.quarantine]
    ignored = [printable(name) for name in listing.reading.ignored]
    shown = printable(file)
    rows = listing.table["path"].to_pylist().count(file)
    told = sum(shown == path or shown.startswith(f"{path}/") for path in aside)
    return rows + told + sum(shown == name or (name.endswith("/") and shown.startswith(name)) for name in ignored)


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(plan, st.sampled_from([None, ["hat", "shoes"]]))
def test_any_tree_ends_in_an_account_that_adds_up_or_in_one_sentence(
    drawn: dict[str, Any], known: list[str] | None
) -> None:
    root = Path(tempfile.mkdtemp(prefix="tree-"))
    try:
        build(root, drawn)
        listing = read(root, known)
        if isinstance(listing, str):
            assert listing.isprintable()  # and so one line
            return
        assert not any(
            (root / name).is_symlink() and (root / name).is_dir() for name in listing.table["path"].to_pylist()
        )
        layout = listing.reading.layout if listing.reading else ""
        told = {file: accounts(listing, file) for file in real_files(root) if not (root / file).is_symlink()}
        beside = {file for file in told if layout == "splits" and is_no_photo(file)}
        assert {file: n for file, n in told.items() if n != 1 and file not in beside} == {}
        assert all("\n" not in note for note in listing.notes)
    finally:
        shutil.rmtree(root)


def is_no_photo(file: str) -> bool:
    """Tell whether nobody misses a file beside sides: a LICENSE, a list."""
    return not file.lower().endswith((".jpg", ".png", ".jpeg"))
