"""The one door: whatever names photos that are in no folder here becomes a folder or a manifest of the cache.

What comes behind it reads folders and manifests as ever, so that digests, splits and decoding stay what they are.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from visionft.errors import DataError
from visionft.files.manifest_names import CSV_SUFFIXES, PARQUET_SUFFIXES
from visionft.machine.progress import bar
from visionft.photos.account import ENDINGS
from visionft.remote import archives, kept_files, manifests, shards
from visionft.remote.addresses import Address, address_of, archive_of, is_archive, stem
from visionft.remote.buckets import Remote, fetch, find
from visionft.remote.safe_names import safe_name
from visionft.wording.lists import count, some
from visionft.wording.safe_text import printable

Say = Callable[[str], None]
PATH = "path"
_TABLES = CSV_SUFFIXES + PARQUET_SUFFIXES


def to_stderr(line: str) -> None:
    """Say a line beside what a command answers."""
    print(line, file=sys.stderr, flush=True)


def local_copy(place: str | os.PathLike[str], *, path_column: str = PATH, say: Say = to_stderr) -> Path:
    """Return the folder, the manifest or the photo that a place stands for on this machine; other places as they are.

    Args:
        place: a path; an address as of `visionft.remote.addresses`, of a prefix, a file, a manifest, an archive, shards
            or a pattern; an archive here; or a manifest here whose paths are addresses.
        path_column: the manifest's column of photos.
        say: told in a line what was fetched.

    Raises:
        DataError: there is nothing, it cannot be had, or an archive is damaged or hostile.
        MissingExtraError: nothing is installed that speaks the address.
        UsageError: an address of a scheme that is not read.
    """
    if archive := archive_of(place):
        return _archive_here(Path(archive), say)
    if (address := address_of(place)) is not None:
        return _from_address(address, path_column, say)
    path = Path(place)
    if path.suffix.lower() in _TABLES and path.is_file() and manifests.names_addresses(path, path_column):
        return _manifest(path, None, path_column, say)
    return path


def origin_of(place: Path) -> dict[str, Any] | None:
    """Return where photos of the cache are from: address, photos, bytes, and a digest of all names and versions."""
    return kept_files.origin_at(place)


def _from_address(address: Address, column: str, say: Say) -> Path:
    files = find(address)
    single = len(files) == 1 and files[0].address == address
    if all(is_archive(file.address.name) for file in files):
        return _shards(address, files, say)
    if single and PurePosixPath(address.name).suffix.lower() in _TABLES:
        name = safe_name(address.name, str(address))
        table = _linked(address, {name: files[0]}, say) / name
        return _manifest(table, address, column, say) if manifests.can_be_read(table, column) else table
    names = _names(address, files, single)
    photos = {name: file for name, file in names.items() if single or _may_be_photo(name)}
    if not photos:
        raise DataError(f"{address} holds no photo among {count(len(files), 'file')} ({files[0].address.name} first)")
    if others := sorted(set(names) - set(photos)):
        verb = "is" if len(others) == 1 else "are"
        say(f"note: {count(len(others), 'file')} of {address} {verb} not fetched, by the ending: {some(others, 3)}")
    folder = _linked(address, photos, say)
    return folder / next(iter(photos)) if single else folder


def _names(address: Address, files: Sequence[Remote], single: bool) -> dict[str, Remote]:
    """Return the files by their paths below a folder; none may take the place of another, as a//b and a/b would."""
    names: dict[str, Remote] = {}
    for file in files:
        name = safe_name(_below(address, file, single), str(address))
        if (other := names.setdefault(name, file)) is not file:
            raise DataError(
                f"{address} holds {printable(other.address.rest)[:80]!r} and {printable(file.address.rest)[:80]!r}, "
                "which would be one file here: give one of them another name there"
            )
    return names


def _below(address: Address, file: Remote, single: bool) -> str:
    root = address.rest.partition("*")[0].partition("{")[0].rpartition("/")[0] if address.is_pattern else address.rest
    return file.address.name if single else file.address.rest.removeprefix(root).lstrip("/")


def _may_be_photo(name: str) -> bool:
    last = name.rpartition("/")[2]
    return not last.startswith(".") and PurePosixPath(last).suffix.lower() in {"", *ENDINGS}


def _linked(address: Address, files: dict[str, Remote], say: Say) -> Path:
    """Return a folder of the cache in which each file has its name."""
    name = safe_name(address.name, str(address)) if not address.is_pattern else "photos"
    key = kept_files.key_of(
        "folder", str(address), sorted((under, file.version, file.size) for under, file in files.items())
    )
    kept = kept_files.kept_folder(key)
    _fetched(address, list(files.values()), say, whole=kept is not None)
    if kept is None:
        with kept_files.new_folder(key, _origin(str(address), list(files.values()))) as folder:
            for under, file in files.items():
                kept_files.link(file.place, folder / name / under)
        kept = _there(key, str(address))
    return kept / name


def _fetched(address: Address, files: Sequence[Remote], say: Say, *, whole: bool = False) -> None:
    """Bring files here, within the bound of the cache, and say so."""
    new = 0
    if not whole:
        kept_files.require_room(str(address), sum(file.size for file in files if not file.place.is_file()))
        with bar(f"fetching {address}") as advance:
            new = fetch(files, advance)
    size = sum(file.size for file in files)
    before = len(files) - new
    say(f"{address}: {count(len(files), 'file')}, {size / 1e6:,.1f} MB; {new:,} fetched, {before:,} here before")


def _there(key: str, place: str) -> Path:
    found = kept_files.kept_folder(key)
    if found is None:
        raise DataError(f"the cache of {place} was emptied by another process: give the same command again")
    return found


def _archive_here(path: Path, say: Say) -> Path:
    found = path.stat()
    version = f"{found.st_size}-{found.st_mtime_ns}"
    address = path.resolve().as_posix()
    return _unpacked(str(path), stem(path.name), {address: (path, version, found.st_size)}, say)


def _shards(address: Address, files: Sequence[Remote], say: Say) -> Path:
    key = _key({str(file.address): (file.place, file.version, file.size) for file in files})
    if kept_files.kept_folder(key) is None:
        _fetched(address, files, say)
    name = "photos" if address.is_pattern else stem(address.name)
    return _unpacked(str(address), name, {str(f.address): (f.place, f.version, f.size) for f in files}, say)


def _key(parts: dict[str, tuple[Path, str, int]]) -> str:
    return kept_files.key_of(
        "unpacked", sorted((address, version, size) for address, (_, version, size) in parts.items())
    )


def _unpacked(place: str, name: str, parts: dict[str, tuple[Path, str, int]], say: Say) -> Path:
    """Return the folder, or the manifest, of one archive or of several shards.

    Args:
        place: how people call them.
        name: of the folder.
        parts: file, version and size of each, by its address.
        say: told what was unpacked.
    """
    key = _key(parts)
    kept = kept_files.kept_folder(key)
    if kept is None:
        versions = sorted((address, version, size) for address, (_, version, size) in parts.items())
        origin = {
            "address": place,
            "files": len(parts),
            "bytes": sum(v[2] for v in versions),
            "versions": _digest(versions),
        }
        with kept_files.new_folder(key, origin) as folder:
            names: list[str] = []
            for address, (file, _, _) in parts.items():
                below = f"{stem(PurePosixPath(address).name)}/" if len(parts) > 1 else ""
                with bar(f"unpacking {PurePosixPath(address).name}") as advance:
                    inside = archives.unpack(
                        file, folder / name / below, place if len(parts) == 1 else address, advance
                    )
                names += [below + each for each in inside]
            if len(parts) > 1 and shards.write_manifest(folder / name, names, place) is None:
                _merge(folder / name, parts, place)
            elif len(parts) == 1:
                shards.write_manifest(folder / name, names, place)
        kept = _there(key, place)
        say(f"{place}: {count(len(names), 'file')} unpacked")
    else:
        say(f"{place}: unpacked before")
    manifest = kept / name / shards.MANIFEST
    return manifest if manifest.is_file() else kept / name


def _merge(folder: Path, parts: dict[str, tuple[Path, str, int]], place: str) -> None:
    """Lay shards of class folders over each other: a class goes on from one to the next."""
    for address in parts:
        below = folder / stem(PurePosixPath(address).name)
        for file in sorted(path for path in below.rglob("*") if path.is_file()):
            target = folder / file.relative_to(below)
            if target.exists():
                raise DataError(f"{place} holds {file.relative_to(below)} in two archives: give each photo one name")
            target.parent.mkdir(parents=True, exist_ok=True)
            file.rename(target)
        for empty in sorted((path for path in below.rglob("*") if path.is_dir()), reverse=True):
            empty.rmdir()
        below.rmdir()


def _manifest(path: Path, base: Address | None, column: str, say: Say) -> Path:
    """Return a table of the cache whose paths are those of fetched photos.

    Args:
        path: the table, here.
        base: its address; None: it is of this machine.
        column: of the paths.
        say: told what was fetched.
    """
    name = Path(base.name if base else path.name)
    addresses = {value: manifests.absolute(value, base) for value in manifests.paths_of(path, column) if value.strip()}
    wanted = {value: address for value, address in addresses.items() if address is not None}
    listed = _listed(list(wanted.values()))
    parts = [(str(address), listed[address].version) for address in wanted.values() if address in listed]
    key = kept_files.key_of("manifest", hashlib.sha256(path.read_bytes()).hexdigest(), name.name, sorted(parts))
    files = [listed[address] for address in dict.fromkeys(wanted.values()) if address in listed]
    kept = kept_files.kept_folder(key)
    source = base or Address("file", path.resolve().as_posix().lstrip("/"))
    _fetched(source, files, say, whole=kept is not None)
    if kept is None:
        with kept_files.new_folder(key, _origin(str(base or path), files)) as folder:
            for file in files:
                kept_files.link(file.place, folder / manifests.inside(file.address))
            local = {value: manifests.inside(address) for value, address in wanted.items()}
            here = path.resolve().parent
            manifests.rewrite(path, folder / name, column, lambda value: local.get(value) or str(here / value.strip()))
        kept = _there(key, str(base or path))
    return kept / name


def _listed(addresses: Sequence[Address]) -> dict[Address, Remote]:
    """Return what is there of these files: each folder is listed once, and a file that is not there is left out."""
    found: dict[Address, Remote] = {}
    for scheme, folder in dict.fromkeys((one.scheme, one.rest.rpartition("/")[0]) for one in addresses):
        if not any(folder == known or folder.startswith(f"{known}/") for known in _folders(found, scheme)):
            found |= {file.address: file for file in find(Address(scheme, folder))}
    return {address: found[address] for address in addresses if address in found}


def _folders(found: dict[Address, Remote], scheme: str) -> set[str]:
    return {address.rest.rpartition("/")[0] for address in found if address.scheme == scheme}


def _origin(address: str, files: Sequence[Remote]) -> dict[str, Any]:
    versions = sorted((str(file.address), file.version, file.size) for file in files)
    return {
        "address": address,
        "files": len(files),
        "bytes": sum(file.size for file in files),
        "versions": _digest(versions),
    }


def _digest(versions: Sequence[tuple[str, str, int]]) -> str:
    return hashlib.sha256("\n".join(map(repr, versions)).encode("utf-8", "backslashreplace")).hexdigest()
