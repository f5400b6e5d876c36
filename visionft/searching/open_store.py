"""Opening an index: to write it, making it where there is none, or to read it, also while another process writes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from visionft.errors import SearchIndexError, UsageError
from visionft.files.temporary import reason_of
from visionft.searching.store import PHOTOS, Store
from visionft.searching.stored_vectors import Kind

_APPLICATION, _FORMAT, _SMALLER = (
    0x76665349,
    1,
    2,
)  # what marks the file as ours; counted up when older readers cannot follow
_WAIT = 60.0  # seconds for a reader's or writer's lock, which is held for a batch at most
_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE photos (photo_number INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE,
  photo_sha256 BLOB NOT NULL, label TEXT, split TEXT, "group" TEXT);
CREATE INDEX photos_by_digest ON photos (photo_sha256);
CREATE TABLE vectors (id INTEGER PRIMARY KEY, vector BLOB NOT NULL);
"""


def open_to_write(folder: Path) -> Store:
    """Open an index, or create an empty one; folders above it that are missing are made.

    Raises:
        UsageError: the folder holds other files, or cannot be written.
        SearchIndexError: it is damaged, or of another version.
    """
    file = folder / PHOTOS
    try:
        if not file.exists() and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"--out: {folder} holds other files; give an index, or a folder that is empty or new")
        folder.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
    except OSError as error:
        raise UsageError(f"--out: {folder} cannot be written ({reason_of(error)}); give another place") from error
    with mending(folder):
        connection = sqlite3.connect(file, timeout=_WAIT, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        store = Store(folder, connection)
        with store.transaction():
            if connection.execute("PRAGMA application_id").fetchone()[0] == 0 and not _tables(connection):
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
        _require_ours(folder, connection)
    return store


def keep_vectors_as(store: Store, kind: Kind | None) -> None:
    """Fix how a new index keeps its vectors, or see that an index keeps them as is asked for.

    Args:
        store: open for writing.
        kind: none: as the index has them, a new one in float32.

    Raises:
        SearchIndexError: it keeps them otherwise.
    """
    if store.origin is None:
        with store.transaction():
            store.keep("vectors", kind or "float32")
            if store.kind != "float32":  # a reader of format 1 would take the bytes for other numbers
                store.connection.execute(f"PRAGMA user_version = {_SMALLER}")
    elif kind is not None and kind != store.kind:
        raise SearchIndexError(
            f"the index {store.folder} keeps its vectors as {store.kind}, and --vectors is {kind}; leave it out, or "
            "give another --out, where the photos are embedded anew"
        )


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """Open an index to read; what a writer does meanwhile is seen batch by batch.

    Raises:
        SearchIndexError: there is none, or it is damaged or of another version.
    """
    store = open_to_read(folder)
    with mending(folder), closing(store):
        yield store


def open_to_read(folder: Path, *, any_thread: bool = False) -> Store:
    """Open an index to read, until it is closed; see `opened`.

    Args:
        folder: of the index.
        any_thread: whether threads take turns with it.
    """
    if not (folder / PHOTOS).is_file():
        raise SearchIndexError(
            f"there is no index at {folder}; make one with `visionft index BUNDLE PHOTOS --out INDEX`"
        )
    with mending(folder), ExitStack() as unless_ours:
        connection = reader(folder, any_thread=any_thread)
        unless_ours.callback(connection.close)
        _require_ours(folder, connection)
        store = Store(folder, connection)
        store.require_origin()
        unless_ours.pop_all()
        return store


def reader(folder: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Connect to the rows of an index so that nothing can be changed."""
    file = (folder / PHOTOS).absolute()
    address = f"file:{quote(str(file))}?mode=ro{'&immutable=1' if _is_fixed(folder) else ''}"
    connection = sqlite3.connect(
        address, uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=not any_thread
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _is_fixed(folder: Path) -> bool:
    """Tell whether the rows are read as a file that nobody changes.

    Beside a log they are read through it; without one, on a disk that cannot be written, there is none to make.
    """
    return not os.access(folder, os.W_OK) and not (folder / f"{PHOTOS}-wal").exists()


def state_of(folder: Path) -> tuple[int, ...] | None:
    """Return what is another one once an open connection no longer sees the rows that are there; None: no file is."""
    try:
        status = (folder / PHOTOS).stat()
    except OSError:
        return None
    # One that is read as unchanging does not see a writer, who may be another user of this disk.
    seen = (status.st_mtime_ns, status.st_size) if _is_fixed(folder) else ()
    return (status.st_dev, status.st_ino, *seen)


def _tables(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _require_ours(folder: Path, connection: sqlite3.Connection) -> None:
    mark, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if mark != _APPLICATION:
        raise SearchIndexError(f"{folder / PHOTOS} is no index of visionft; give another folder")
    if version not in (_FORMAT, _SMALLER):
        raise SearchIndexError(
            f"the index {folder} has format {version} and this visionft reads {_FORMAT} and {_SMALLER}; use the "
            "visionft that wrote it, or make it again in another folder"
        )


@contextmanager
def mending(folder: Path) -> Iterator[None]:
    """Say what SQLite found wrong with the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise told(folder, error) from error


def told(folder: Path, error: sqlite3.Error) -> SearchIndexError:
    """Return the error that says what is wrong with an index, and what to do."""
    if "full" in str(error):
        return SearchIndexError(f"the index {folder} cannot grow (the disk is full); make room, and run it again")
    return SearchIndexError(
        f"the index {folder} cannot be used ({error}); if no other process is at work on it, remove it and make it "
        "again with `visionft index`"
    )
