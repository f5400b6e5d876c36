"""The one door: whatever names photos that are in no folder here becomes a folder or a manifest of the cache.

What comes behind it reads folders and manifests as ever, so that digests, splits and decoding stay what they are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from visionft.errors import DataError
from visionft.files.manifest_names import CSV_SUFFIXES, PARQUET_SUFFIXES
from visionft.files.temporary import FULL, reason_of
from visionft.machine.progress import bar
from visionft.photos.account import ENDINGS
from visionft.remote import archives, kept_files, manifests, shards
from visionft.remote.addresses import Address, address_of, archive_of, is_archive, stem
from visionft.remote.buckets import Remote, fetch, find, find_all
from visionft.remote.safe_names import safe_name
from visionft.wording.lists import count, some
from visionft.wording.safe_text import printable

Say = Callable[[str], None]
Parts = dict[str, tuple[Path, str, int]]
"""File, version and size of each archive, by its address."""
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
        DataError: there is nothing, it cannot be had or kept, or an archive is damaged or hostile.
        MissingExtraError: nothing is installed that speaks the address.
        UsageError: an address of a scheme that is not read.
    """
    try:
        return _local_copy(place, path_column, say)
    except OSError as fault:
        if fault.errno not in FULL and not kept_files.holds(fault.filename):
            raise
        raise DataError(
            f"{printable(os.fsdecode(place))} cannot be written into the cache of this machine ({reason_of(fault)}): "
            "make room, or set $VISIONFT_CACHE to another folder"
        ) from fault


def _local_copy(place: str | os.PathLike[str], column: str, say: Say) -> Path:
    if archive := archive_of(place):
        return _archive_here(Path(archive), say)
    if (address := address_of(place)) is not None:
        return _from_address(address, column, say)
    path = Path(place)
    if path.suffix.lower() in _TABLES and path.is_file() and manifests.names_addresses(path, column):
        return _manifest(path, None, column, say)
    return path


def origin_of(place: Path) -> dict[str, Any] | None:
    """Return where photos of the cache are from: address, photos, bytes, and a digest of all names and versions."""
    return kept_files.origin_at(place)


def _from_address(address: Address, column: str, say: Say) -> Path:
    files = find(address)
    if address.is_pattern and all(f"{file.address.rest}/".startswith(f"{address.rest}/") for file in files):
        address = address.exactly()
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
    return file.address.name if single else file.address.rest.removeprefix(address.root).lstrip("/")


def _may_be_photo(name: str) -> bool:
    last = name.rpartition("/")[2]
    return not last.startswith(".") and PurePosixPath(last).suffix.lower() in {"", *ENDINGS}


def _linked(address: Address, files: dict[str, Remote], say: Say) -> Path:
    """Return a folder of the cache in which each file has its name."""
    name = "photos" if address.is_pattern else kept_files.free_name(safe_name(address.name, str(address)))
    key = kept_files.key_of(
        "folder", str(address), sorted((under, file.version, file.size) for under, file in files.items())
    )
    kept, every = kept_files.kept_folder(key), list(files.values())
    if kept is not None:
        _say_fetched(address, every, 0, say)
        return kept / name
    with kept_files.using(file.place for file in every):
        _fetched(address, every, say)
        with kept_files.new_folder(key, _origin(str(address), every)) as folder:
            for under, file in files.items():
                kept_files.link(file.place, folder / name / under)
    return _there(key, str(address)) / name


def _fetched(address: Address, files: Sequence[Remote], say: Say) -> None:
    """Bring files here, within the bound of the cache, and say so."""
    kept_files.require_room(str(address), sum(file.size for file in dict.fromkeys(files) if not file.is_here))
    with bar(f"fetching {address}") as advance:
        new = fetch(files, advance)
    _say_fetched(address, files, new, say)


def _say_fetched(address: Address, files: Sequence[Remote], new: int, say: Say) -> None:
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
    parts = {str(file.address): (file.place, file.version, file.size) for file in files}
    name = "photos" if address.is_pattern else stem(address.name)
    if kept_files.kept_folder(_key(parts)) is not None:
        return _unpacked(str(address), name, parts, say)
    with kept_files.using(file.place for file in files) as let_go:
        _fetched(address, files, say)
        return _unpacked(str(address), name, parts, say, lambda file: let_go(file.name))


def _key(parts: Parts) -> str:
    return kept_files.key_of(
        "unpacked", sorted((address, version, size) for address, (_, version, size) in parts.items())
    )


def _unpacked(place: str, name: str, parts: Parts, say: Say, done: Callable[[Path], None] = lambda _: None) -> Path:
    """Return the folder, or the manifest, of one archive or of several shards.

    Args:
        place: how people call them.
        name: of the folder.
        parts: file, version and size of each, by its address.
        say: told what was unpacked.
        done: called with the file of each that was unpacked.
    """
    key, name = _key(parts), kept_files.free_name(name)
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
            inside: dict[str, list[str]] = {}
            for below, (address, (file, _, _)) in zip(_names_of_parts(list(parts)), parts.items(), strict=True):
                with bar(f"unpacking {PurePosixPath(address).name}") as advance:
                    called = place if len(parts) == 1 else address
                    inside[below] = archives.unpack(file, folder / name / below, called, advance)
                done(file)
            names = [f"{below}/{each}" if below else each for below, every in inside.items() for each in every]
            if shards.write_manifest(folder / name, names, place) is None and len(parts) > 1:
                _merge(folder / name, inside, place)
        kept = _there(key, place)
        say(f"{place}: {count(len(names), 'file')} unpacked")
    else:
        say(f"{place}: unpacked before")
    manifest = kept / name / shards.MANIFEST
    return manifest if manifest.is_file() else kept / name


def _names_of_parts(addresses: Sequence[str]) -> list[str]:
    """Return a folder for each of several archives; none where there is one alone.

    It is called like the archive, with what stands before and behind that name only where two would be one folder.
    """
    if len(addresses) == 1:
        return [""]
    top = os.path.commonpath([PurePosixPath(address).parent for address in addresses])
    full = [PurePosixPath(address).relative_to(top).as_posix() for address in addresses]
    ways = [[stem(PurePosixPath(name).name) for name in full], [stem(name) for name in full], full]
    return next((names for names in ways if len(set(names)) == len(names)), full)


def _merge(folder: Path, inside: dict[str, list[str]], place: str) -> None:
    """Lay shards of class folders over each other: a class goes on from one to the next."""
    apart = folder.with_name(".parts")  # out of the way: a class may be called like the archive that holds it
    folder.rename(apart)
    for below, names in inside.items():
        for name in names:
            target = folder / name
            try:
                if target.exists():
                    raise FileExistsError
                target.parent.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError):
                raise DataError(f"{place} holds {printable(name)} in two archives: give each photo one name") from None
            (apart / below / name).rename(target)
    shutil.rmtree(apart)


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
    here = path.resolve().parent
    # Paths of this machine start at the table's folder, so the same table elsewhere names other photos.
    local_ones = base is None and len(wanted) < len(addresses)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    key = kept_files.key_of("manifest", content, name.name, column, str(here) if local_ones else "", sorted(parts))
    files = [listed[address] for address in dict.fromkeys(wanted.values()) if address in listed]
    kept = kept_files.kept_folder(key)
    source = base or Address("file", path.resolve().as_posix().lstrip("/"))
    if kept is not None:
        _say_fetched(source, files, 0, say)
        return kept / name
    with kept_files.using(file.place for file in files):
        _fetched(source, files, say)
        with kept_files.new_folder(key, _origin(str(base or path), files)) as folder:
            for file in files:
                kept_files.link(file.place, folder / manifests.inside(file.address))
            local = {value: manifests.inside(address) for value, address in wanted.items()}
            manifests.rewrite(path, folder / name, column, lambda value: local.get(value) or str(here / value.strip()))
    return _there(key, str(base or path)) / name


def _listed(addresses: Sequence[Address]) -> dict[Address, Remote]:
    """Return what is there of these files: each folder is listed once, and a file that is not there is left out."""
    wanted = set(addresses)
    folders = {Address(one.scheme, one.rest.rpartition("/")[0]).exactly() for one in wanted}
    tops = [folder for folder in sorted(folders, key=str) if not any(one in folders for one in _above(folder))]
    found = {file.address: file for file in find_all(tops) if file.address in wanted}
    return {address: found[address] for address in addresses if address in found}


def _above(folder: Address) -> Iterator[Address]:
    rest = folder.rest
    while rest := rest.rpartition("/")[0]:
        yield Address(folder.scheme, rest)


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
