"""What a verb was given: a run, a bundle, or the folder of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import RunError, UsageError
from visionft.files.paths import require_place
from visionft.remote.hub_address import hub_address_of

if TYPE_CHECKING:
    from visionft.runs import Run


def path_of(run_or_bundle: Any) -> Path:
    """Return the folder of a run, of a bundle, or of what is a folder's name already; hf://OWNER/NAME is fetched.

    Raises:
        UsageError: it can be no place: empty, not UTF-8, too long, below a file; or no name on the hub.
        HubError: it is not there, is not as it was pushed, or the hub is out of reach.
    """
    place = getattr(run_or_bundle, "path", run_or_bundle)
    if isinstance(place, str | Path) and (address := hub_address_of(place)) is not None:
        from visionft.remote.hub_models import fetched  # what serves bundles of this machine has no huggingface_hub

        return fetched(address)
    return place_of(place, "the run or bundle") or Path()


def place_of(given: str | Path | None, name: str) -> Path | None:
    """Return a path that was given by `name`, such as `--out`, if one was; UsageError where it can be none."""
    if given is None:
        return None
    require_place(given, name)
    return Path(given)


def require_finished(path: Path, *, unfinished: bool = False) -> None:
    """Look for a finished run, or also an unfinished one, without torch; RunError says what is there instead."""
    if not path.exists():
        raise RunError(
            f"there is no run or bundle at {path}; give the folder that `visionft fit` or `visionft export` wrote"
        )
    from visionft.runs.run_files import require_run

    require_run(path, unfinished=unfinished)


def run_at(path: Path, *, unfinished: bool = False) -> Run:
    """Open a finished run, or also the best so far of an unfinished one; RunError says what is there instead."""
    # What is no run is said before torch, which takes seconds, is imported to open one.
    require_finished(path, unfinished=unfinished)
    from visionft.runs import Run

    return Run.open(path, unfinished=unfinished)


def holds_bundle(path: Path) -> bool:
    """Tell a bundle's folder from a run's; a damaged bundle counts, so that opening says what it lacks."""
    return (path / "bundle.json").is_file() or (path / "model.onnx").is_file()


def holds_index(path: Path) -> bool:
    """Tell the folder of an index from that of a run or a bundle."""
    return (path / "photos.sqlite").is_file()


def refuse_adapter(path: Path, adapter: str | None) -> None:
    """Refuse an adapter's name beside a run, which has none; UsageError says so."""
    if adapter is not None:
        raise UsageError(f"{path} is a run, which answers by itself; leave --adapter {adapter} out, or give a bundle")
