"""A run or a bundle to the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from visionft.bundle import Bundle
from visionft.errors import BundleError, RunError, UsageError
from visionft.remote.hub_address import hub_address_of, repository_of
from visionft.workflows.check import check
from visionft.workflows.run_or_bundle import holds_bundle, path_of, require_finished, run_at

if TYPE_CHECKING:
    from visionft.runs import Run
    from visionft.sharing import Pushed
    from visionft.sharing.staged import Staged

Say = Callable[[str], None]
Pictures = Literal["none", "all"]


def push(
    run_or_bundle: Run | Bundle | str | Path,
    repository: str,
    *,
    pictures: Pictures = "none",
    public: bool = False,
    say: Say = print,
) -> Pushed:
    """Push a run or a bundle to the Hugging Face hub with a model card; `hf://OWNER/NAME` is then its address.

    Photos, and pages that show them, stay here unless they are asked for, and so does what only a training that goes
    on needs. The records of a run lose the folders of this machine; splits.csv names its photos.

    Args:
        run_or_bundle: a finished run or a bundle, or its folder.
        repository: `OWNER/NAME`; made where it is not there. One that holds what was pushed before gets a new commit.
        pictures: `all` also sends the golden photos of a bundle, and the report and pictures of a run.
        public: whether a repository that is made is open to everybody; one that is there stays as it is.
        say: prints one line.

    Returns:
        Its address, commit, the files that are there and those that are not, with the reason.

    Raises:
        HubError: there is no token, the hub is out of reach or refuses, the repository holds something else, or a file
            arrived there otherwise than it was sent.
        UsageError: it is no name of a repository.
        RunError, BundleError: there is no finished run and no bundle, or it is not as it was written.
    """
    name = repository_of(repository)
    if pictures not in get_args(Pictures):
        raise UsageError(f"--pictures: {pictures!r} is not known here; give none or all")
    if isinstance(run_or_bundle, str | Path) and (there := hub_address_of(run_or_bundle)) is not None:
        raise UsageError(f"{there} is on the hub already; give the folder of a run or a bundle")
    path = path_of(run_or_bundle)
    kind = "bundle" if holds_bundle(path) else "run"
    _require_as_written(path, kind)
    from visionft.sharing.hub_push import look, push_staged

    before = look(name, kind)
    return push_staged(_staged(path, kind, name, pictures), before, public=public, say=say)


def _require_as_written(path: Path, kind: str) -> None:
    """Refuse what is not finished, or not as it was written."""
    if kind == "bundle":
        Bundle.open(path)
    else:
        require_finished(path)
    found = check(path)
    if not found.whole:
        raise (BundleError if kind == "bundle" else RunError)(
            f"the {kind} {path} is not as it was written ({found.faults[0]}), so it is not pushed; restore it from a "
            "copy, or make it again"
        )


def _staged(path: Path, kind: str, name: str, pictures: Pictures) -> Staged:
    from visionft.sharing import staged

    if kind == "bundle":
        return staged.of_bundle(Bundle.open(path), name, pictures)
    return staged.of_run(run_at(path), name, pictures)
