"""The push of a run or a bundle to a repository of the Hugging Face hub: one commit, looked at again afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, errors, get_token

from visionft.errors import HubError
from visionft.files.digests import NAME
from visionft.remote.hub_address import HubAddress
from visionft.remote.hub_errors import in_sentences, require_answer
from visionft.remote.hub_models import CARD, Commit, commit_at, stated_faults
from visionft.wording.lists import count, some
from visionft.wording.safe_text import printable

if TYPE_CHECKING:  # which imports torch, and a repository is looked at before
    from visionft.sharing.staged import Staged

CommitOperation = CommitOperationAdd | CommitOperationDelete
_OF_ANYBODY = frozenset({".gitattributes", ".gitignore", CARD, "LICENSE"})
"""Files that the hub's own page makes in a new repository."""
_SHOWN = 4


@dataclass(frozen=True)
class Pushed:
    """A run or bundle on the hub.

    Attributes:
        repository: `OWNER/NAME`.
        kind: `run` or `bundle`.
        commit: that holds it.
        url: of the repository's page.
        private: whether only its owner and those let in can see it.
        files: names of what is there.
        bytes: of all of them.
        kept: files that were not pushed, by the reason.
        changed: whether there is a new commit; else the repository had it already.
    """

    repository: str
    kind: str
    commit: str
    url: str
    private: bool
    files: tuple[str, ...]
    bytes: int
    kept: Mapping[str, tuple[str, ...]]
    changed: bool

    @property
    def address(self) -> str:
        """What `predict`, `evaluate` and `--from` take."""
        return f"hf://{self.repository}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the line of `--json`."""
        own = {name: getattr(self, name) for name in ("repository", "kind", "commit", "url", "private", "bytes")}
        kept = {reason: list(names) for reason, names in self.kept.items()}
        return {**own, "address": self.address, "files": list(self.files), "kept": kept, "changed": self.changed}

    def __str__(self) -> str:
        done = "pushed" if self.changed else "there already, nothing was pushed"
        seen = "private" if self.private else "public: everybody can see it"
        size = f"{count(len(self.files), 'file')}, {self.bytes / 1e6:,.1f} MB"
        lines = [f"{self.kind} {self.url} ({seen}): {size}, {done}, commit {self.commit[:8]}"]
        lines += [f"files: {', '.join(self.files)}"] if self.changed else []
        return "\n".join([*lines, *_left_here(self.kept)])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@dataclass(frozen=True)
class Before:
    """A repository before the push.

    Attributes:
        address: of it.
        kind: of what is to be pushed, `run` or `bundle`.
        head: its last commit; none: there is no such repository.
        private: whether not everybody can see it.
        names: of its files.
        pushed: what was pushed to it before.
    """

    address: HubAddress
    kind: str
    head: str | None = None
    private: bool = True
    names: frozenset[str] = frozenset()
    pushed: Commit | None = None


def look(repository: str, kind: str) -> Before:
    """Look at a repository before anything is made for it.

    Args:
        repository: `OWNER/NAME`.
        kind: `run` or `bundle`.

    Raises:
        HubError: there is no token, the hub is out of reach or refuses, or the repository holds something else.
    """
    address = HubAddress(repository)
    if not get_token():
        raise HubError(f"{address}: there is no token for the hub; log in with `hf auth login`, or set HF_TOKEN")
    require_answer(str(address))
    with in_sentences(str(address)):
        try:
            info = HfApi(constants.ENDPOINT).model_info(repository)
        except errors.GatedRepoError:
            raise
        except errors.RepositoryNotFoundError:
            return Before(address, kind)
    names = frozenset(sibling.rfilename for sibling in info.siblings or ())
    others = sorted(names - _OF_ANYBODY)
    if others and NAME not in names:
        raise HubError(
            f"{address} holds files that `visionft push` did not put there ({printable(some(others, _SHOWN))}), so it "
            "is left as it is; give another name"
        )
    pushed = commit_at(HubAddress(repository, info.sha)) if NAME in names else None
    if pushed is not None and pushed.kind != kind:
        raise HubError(f"{address} holds a {pushed.kind}, and this is a {kind}; give another name")
    return Before(address, kind, info.sha, bool(info.private), names, pushed)


def push_staged(staged: Staged, before: Before, *, public: bool, say: Callable[[str], None]) -> Pushed:
    """Push in one commit, and look at what the hub has then.

    Args:
        staged: what is pushed.
        before: the repository; made where it is not there.
        public: whether one that is made is open to everybody.
        say: prints one line.

    Raises:
        HubError: the hub is out of reach or refuses, or what it has afterwards is not what was pushed.
    """
    address, api = before.address, HfApi(constants.ENDPOINT)
    if before.pushed is not None and _same(before.pushed, staged):
        return _pushed(staged, address, before.pushed.sha, private=before.private, changed=False)
    say(f"pushing {count(len(staged.contents), 'file')}, {staged.size / 1e6:,.1f} MB, to {address}")
    private = before.private if before.head is not None else not public
    with in_sentences(str(address)):
        if before.head is None:
            api.create_repo(address.repository, private=private)
        made = api.create_commit(
            address.repository,
            _operations(staged, before),
            commit_message=f"visionft push: {staged.kind}",
            parent_commit=before.head,
        )
    if faults := stated_faults(address.repository, made.oid, staged.entries, staged.contents):
        raise HubError(
            f"{address}: what arrived is not what was pushed ({printable(some(faults, 2))}); push again, and do not "
            f"use the commit {made.oid[:8]}"
        )
    return _pushed(staged, address, made.oid, private=private, changed=True)


def _same(before: Commit, staged: Staged) -> bool:
    """Tell whether the last push had the same files, and they arrived; the card, which is edited there, is let be."""
    apart = (CARD, NAME)
    mine = {name: entry for name, entry in staged.entries.items() if name not in apart}
    if mine != {name: entry for name, entry in before.digests.files.items() if name not in apart}:
        return False
    return not stated_faults(before.repository, before.sha, mine, staged.contents)


def _operations(staged: Staged, before: Before) -> list[CommitOperation]:
    """Return what the commit does: all that is pushed, and an end of what an earlier push had beside it."""
    adds: list[CommitOperation] = [CommitOperationAdd(name, given) for name, given in staged.contents.items()]
    known = set() if before.pushed is None else before.pushed.digests.files.keys() & before.names
    return [*adds, *(CommitOperationDelete(name) for name in sorted(known - staged.contents.keys()))]


def _pushed(staged: Staged, address: HubAddress, commit: str, *, private: bool, changed: bool) -> Pushed:
    return Pushed(
        address.repository,
        staged.kind,
        commit,
        f"{constants.ENDPOINT}/{address.repository}",
        private,
        tuple(sorted(staged.contents)),
        staged.size,
        staged.kept,
        changed,
    )


def _left_here(kept: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"not pushed: {some(names, _SHOWN)} ({reason})" for reason, names in kept.items()]
