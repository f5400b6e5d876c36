"""A run or a bundle of the Hugging Face hub becomes a folder of the cache: whole, and as it was pushed, or not at all.

What is fetched is what the repository's own digests.json lists. Sizes and digests that the hub states are compared
before a byte is fetched, and every file that came is compared again.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, errors

from visionft.errors import HubError
from visionft.files.digests import NAME, Digests
from visionft.files.safe_open import Entry, UnreadableError
from visionft.files.verify_digests import compare
from visionft.remote import kept_files
from visionft.remote.hub_address import HubAddress
from visionft.remote.hub_errors import in_sentences, require_answer
from visionft.remote.local_copy import Say, to_stderr
from visionft.wording.lists import count, some
from visionft.wording.safe_text import printable

KINDS = {"bundle.json": "bundle", "settings.yaml": "run"}
"""The file by which each is known."""
CARD = "README.md"
"""Is for people, and edited on the hub's page: the one file that may be another than was pushed."""
_FOLDER = "hub"
_MAIN = "main"


@dataclass(frozen=True)
class Commit:
    """A run or a bundle in one commit of a repository.

    Attributes:
        repository: `OWNER/NAME`.
        sha: the commit.
        kind: `run` or `bundle`.
        digests: of its files, as it was pushed.
        file: its digests.json, here.
    """

    repository: str
    sha: str
    kind: str
    digests: Digests
    file: Path


def fetched(address: HubAddress, say: Say = to_stderr) -> Path:
    """Return the folder, in the cache, of a run or bundle on the hub.

    Where the hub does not answer, what was fetched last is taken, and that is said.

    Args:
        address: of the repository.
        say: told in a line what was fetched.

    Raises:
        HubError: it is not there or not open, holds neither run nor bundle, is not as it was pushed, or the hub is out
            of reach and nothing of it is in the cache.
        DataError: the cache has no room.
    """
    commit = _latest(address, say)
    key = _key(commit)
    kept = kept_files.kept_folder(key)
    if kept is None:
        _fetch(address, commit, key, say)
        kept = kept_files.kept_folder(key)
    if kept is None:
        raise HubError(f"{address}: the cache was emptied by another process; give the same command again")
    return kept / address.name


def commit_at(address: HubAddress, *, offline: bool = False) -> Commit:
    """Return what a repository holds at the address's revision.

    Args:
        address: of the repository.
        offline: look into the cache of the hub's own library alone.

    Raises:
        HubError: it holds neither a run nor a bundle, or cannot be had.
    """
    revision = address.revision or _MAIN
    with in_sentences(str(address)):
        try:
            api = HfApi(constants.ENDPOINT)
            # Asked for itself: a download that is refused silently takes what is in the cache.
            head = None if offline else api.model_info(address.repository, revision=revision).sha
            given = api.hf_hub_download(address.repository, NAME, revision=revision, local_files_only=offline)
        except errors.LocalEntryNotFoundError:
            raise
        except errors.EntryNotFoundError as error:
            raise _neither(address) from error
    file = Path(given)
    if head is not None and head != file.parent.name:
        raise HubError(f"{address}: the repository was changed just now; give the same command again")
    try:
        found = Digests.read(file.parent)
    except UnreadableError as error:
        raise HubError(f"{address}: {NAME} is damaged ({error.reason}); push it again") from error
    kind = kind_of(found.files)
    if kind is None or found.pending:
        raise _neither(address)
    return Commit(address.repository, file.parent.name, kind, found, file)


def kind_of(names: Container[str]) -> str | None:
    """Tell by the names of its files whether something is a run or a bundle; None: neither."""
    return next((kind for name, kind in KINDS.items() if name in names), None)


def stated_faults(
    repository: str, commit: str, files: Mapping[str, Entry], contents: Mapping[str, Path | bytes] | None = None
) -> list[str]:
    """Return which of the files the hub has otherwise, a phrase each, by the sizes and digests that it states.

    Args:
        repository: `OWNER/NAME`.
        commit: where they should be.
        files: what they should be.
        contents: theirs; without, small files are compared by their size alone, as the hub has git's digest of them.

    Raises:
        HubError: the hub does not tell.
    """
    with in_sentences(f"hf://{repository}"):
        info = HfApi(constants.ENDPOINT).model_info(repository, revision=commit, files_metadata=True)
    there = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    faults = []
    for name, entry in sorted(files.items()):
        if name not in there:
            faults.append(f"{name} is missing")
            continue
        size, lfs, blob = there[name].size, there[name].lfs, there[name].blob_id
        if size is not None and size != entry.bytes:
            faults.append(f"{name} has {size:,} bytes, and {entry.bytes:,} were pushed")
        elif (lfs is not None and lfs.sha256 != entry.sha256) or (
            lfs is None and contents is not None and blob not in (None, _blob_id(contents[name]))
        ):
            faults.append(f"{name} has another digest than was pushed")
    return faults


def _blob_id(content: Path | bytes) -> str:
    """Return git's digest of a file's content."""
    given = content if isinstance(content, bytes) else content.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(given) + given, usedforsecurity=False).hexdigest()


def _latest(address: HubAddress, say: Say) -> Commit:
    """Return what the hub has now, or what was fetched last where it does not answer."""
    try:
        require_answer(str(address))
    except HubError as unreachable:
        try:
            commit = commit_at(address, offline=True)
        except HubError:
            raise unreachable from None
        if kept_files.kept_folder(_key(commit)) is None:
            raise
        say(f"note: {unreachable.args[0]}; until then it is as it was fetched last, at commit {commit.sha[:8]}")
        return commit
    return commit_at(address)


def _key(commit: Commit) -> str:
    """Return the cache's name for a commit, which is the same wherever it is fetched from."""
    return kept_files.key_of(_FOLDER, commit.repository, commit.sha)


def _fetch(address: HubAddress, commit: Commit, key: str, say: Say) -> None:
    compared = {name: entry for name, entry in commit.digests.files.items() if name != CARD}
    if faults := stated_faults(commit.repository, commit.sha, compared):
        raise _altered(address, faults)
    size = sum(entry.bytes for entry in compared.values())
    kept_files.require_room(str(address), size)
    names = [*commit.digests.files, NAME]
    with in_sentences(str(address)):
        patterns = [glob.escape(name) for name in names]
        api = HfApi(constants.ENDPOINT)
        there = api.snapshot_download(commit.repository, revision=commit.sha, allow_patterns=patterns)
    with kept_files.new_folder(key, {"address": str(address), "commit": commit.sha, "bytes": size}) as folder:
        place = folder / address.name
        for name in names:
            if (source := Path(there, name)).is_file():
                kept_files.link(source.resolve(), place / name)
        faults = [fault for fault in compare(place, commit.kind, foreign=True).faults if not _of_card(fault)]
        if faults:
            raise _altered(address, faults)
    say(f"{address}: {commit.kind}, {count(len(names), 'file')}, {size / 1e6:,.1f} MB, fetched and as pushed")


def _of_card(fault: str) -> bool:
    return fault.startswith(f"{CARD}: ")


def _altered(address: HubAddress, faults: Sequence[str]) -> HubError:
    return HubError(
        f"{address} is not as it was pushed ({printable(some(faults, 2))}); push it again, or name an earlier commit "
        "with @REVISION"
    )


def _neither(address: HubAddress) -> HubError:
    return HubError(
        f"{address} holds neither a run nor a bundle of visionft; give a repository that `visionft push` filled"
    )
