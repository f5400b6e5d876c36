"""Listing and fetching by fsspec: in parallel, each file whole or not there, every failure a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visionft.errors import DataError, MissingExtraError, VisionftError
from visionft.files.temporary import FULL, reason_of
from visionft.remote import kept_files
from visionft.remote.addresses import SCHEMES, Address
from visionft.wording.safe_text import printable

THREADS = 16
_VERSIONS = ("ETag", "etag", "md5Hash", "blob_id", "generation", "LastModified", "last_modified", "created", "mtime")
_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "TokenRetrievalError"}
)
_OTHER = "see the library's own settings"
_HINTS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or call gcloud auth application-default login",
    "hf": "set HF_TOKEN, or call hf auth login",
    "az": "set AZURE_STORAGE_CONNECTION_STRING",
}
Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Remote:
    """One file on another machine.

    Attributes:
        address: of it, whole.
        size: in bytes.
        version: changes whenever its bytes do: the ETag, or what the file system has in its place.
    """

    address: Address
    size: int
    version: str

    @property
    def place(self) -> Path:
        """Where its bytes are kept, or will be."""
        return kept_files.blob(str(self.address), self.version, self.size)

    @property
    def is_here(self) -> bool:
        """Whether its bytes are kept."""
        return kept_files.is_there(self.place, self.size)


def find(address: Address) -> list[Remote]:
    """Return every file that an address stands for: itself, or all below a prefix, or what a pattern matches.

    Raises:
        DataError: there is nothing, it may not be read, or the other machine cannot be reached.
        MissingExtraError: nothing is installed that speaks its scheme.
    """
    with told(address):
        system = _system(address.scheme)
        found: dict[str, Any] = {}
        for each in _unbraced(address.rest) if address.is_pattern else ():
            found |= system.glob(each, detail=True)
        found = found or system.find(address.rest, detail=True)  # a name may have the signs of a pattern
        files = [
            Remote(_inner(address.scheme, name), int(info.get("size") or 0), _version(info))
            for name, info in found.items()
            if info.get("type") != "directory" and not name.endswith("/")
        ]
        if not files and found:
            raise DataError(f"{address} matches folders and no file: end it with /** for all that is in them")
        if not files:
            raise FileNotFoundError(str(address))
    return sorted(files, key=lambda file: file.address.rest)


def find_all(folders: Sequence[Address]) -> Iterator[Remote]:
    """Yield the files of several folders, which are listed in parallel; one that is not there has none.

    Raises:
        DataError, MissingExtraError: as `find`; of what is not there only where nothing is.
    """
    missing, some = None, False
    with ThreadPoolExecutor(min(THREADS, max(1, len(folders)))) as pool:
        for found in pool.map(_found_or_fault, folders):
            if isinstance(found, DataError):
                missing = missing or found
            else:
                some = True
                yield from found
    if missing is not None and not some:
        raise missing


def _found_or_fault(folder: Address) -> list[Remote] | DataError:
    try:
        return find(folder)
    except DataError as fault:
        if isinstance(fault.__cause__, FileNotFoundError | NotADirectoryError):
            return fault
        raise


def fetch(files: Sequence[Remote], advance: Advance) -> int:
    """Bring files into the cache, and return how many were not there yet; what was fetched stays if it is interrupted.

    Raises:
        DataError: as `find`.
    """
    missing = [file for file in dict.fromkeys(files) if not file.is_here]
    done = len(files) - len(missing)
    advance(done, len(files))
    pool = ThreadPoolExecutor(min(THREADS, max(1, len(missing))))
    try:
        waiting: set[Future[None]] = {pool.submit(_fetch, file) for file in missing}
        while waiting:
            finished, waiting = wait(waiting, timeout=0.5, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
            advance(done := done + len(finished), len(files))
    finally:
        pool.shutdown(cancel_futures=True)  # ^C does not wait for what is still queued
    return len(missing)


@contextmanager
def told(address: Address) -> Iterator[None]:
    """Turn what libraries raise into a sentence."""
    try:
        yield
    except VisionftError:
        raise
    except ImportError as fault:
        package = SCHEMES.get(address.scheme, "fsspec")
        way = "pip install 'visionft[remote]'" if package in ("s3fs", "fsspec") else f"pip install {package}"
        raise MissingExtraError(f"{address.scheme}:// needs {package}, which is not installed; {way}") from fault
    except Exception as fault:
        raise DataError(_sentence(address, fault)) from fault


def _sentence(address: Address, fault: Exception) -> str:
    if (local := _of_this_machine(fault)) is not None:
        return (
            f"{address} cannot be written into the cache of this machine ({reason_of(local)}): make room, or set "
            "$VISIONFT_CACHE to a folder of another disk; what was fetched is kept"
        )
    names = {kind.__name__ for cause in _causes(fault) for kind in type(cause).__mro__}
    hint = _HINTS.get(address.scheme, _OTHER)
    if names & _CREDENTIALS:
        return f"there are no credentials for {address}: {hint}"
    if names & {"PermissionError", "GatedRepoError"}:
        return f"the credentials do not let {address} be read: {hint} of someone who may"
    if names & {"FileNotFoundError", "NotADirectoryError"}:
        return f"there is no {address}, or nothing in it: look at the name of the bucket and at the path behind it"
    words = printable(" ".join(str(fault).split())) or type(fault).__name__
    return (
        f"{address} cannot be reached ({words[:120].rstrip('.: ')}): look at the network; what was fetched is kept, "
        "and the same command goes on"
    )


def _of_this_machine(fault: Exception) -> OSError | None:
    """Return what went wrong with the disk here and not with the other machine, if something did."""
    for cause in _causes(fault):
        if isinstance(cause, OSError) and (cause.errno in FULL or kept_files.holds(cause.filename)):
            return cause
    return None


def _causes(fault: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = fault
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _fetch(file: Remote) -> None:
    with told(file.address), kept_files.new_file(file.place) as temporary:
        _system(file.address.scheme).get_file(file.address.rest, str(temporary))
        if (size := temporary.stat().st_size) != file.size:
            raise DataError(
                f"{file.address} changed while it was fetched ({file.size:,} bytes were listed, {size:,} came): give "
                "the same command again"
            )


def _system(scheme: str) -> Any:
    import fsspec

    # A fresh listing each time: fsspec remembers what it listed in this process before.
    return fsspec.filesystem(scheme, use_listings_cache=False)


def _inner(scheme: str, name: str) -> Address:
    return Address(scheme, name.lstrip("/"))


def _version(info: Mapping[str, Any]) -> str:
    return next((str(info[name]).strip('"') for name in _VERSIONS if info.get(name)), "")


def _unbraced(pattern: str) -> list[str]:
    """Return what `{000..009}` and `{a,b}` stand for, as names of shards have them."""
    before, brace, rest = pattern.partition("{")
    inside, closed, after = rest.partition("}")
    if not brace or not closed:
        return [pattern]
    first, dots, last = inside.partition("..")
    if dots and first.isdigit() and last.isdigit():
        middle = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    else:
        middle = inside.split(",")
    return [before + each + end for each in middle for end in _unbraced(after)]
