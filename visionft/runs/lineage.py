"""The runs that another run depends on: the one that it went on from, the one that taught it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from visionft.errors import RunError
from visionft.runs.run import Run


@dataclass(frozen=True)
class Origin:
    """A run that another one went on from or was taught by, as it was then.

    Attributes:
        path: its folder.
        classes_hash: of its classes.
        data_fingerprint: SHA-256 of the manifest that it was trained on.
        weights_sha256: of its final weights.
        origin: what it had gone on from itself.
    """

    path: str
    classes_hash: str
    data_fingerprint: str
    weights_sha256: str
    origin: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, run: Run) -> Origin:
        """Describe a run."""
        return cls(str(run.path.absolute()), run.classes.hash, run.fingerprint, run.weights_sha256, run.origin)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def reopen(self, place: Path, part: str = "goes on from", flag: str = "--from") -> Run:
        """Open the run again, where it is now.

        Args:
            place: its folder.
            part: what the other run does with it, in words.
            flag: that names it.

        Raises:
            RunError: it is gone, or has other weights than it had.
        """
        if not place.is_dir():
            raise RunError(
                f"the run {place} that this one {part} is not there any more; put it back, or name its new place with "
                f"{flag}"
            )
        run = Run.open(place)
        if run.weights_sha256 != self.weights_sha256:
            raise RunError(
                f"the run {place} that this one {part} has other weights than it had; restore them from a copy, or "
                "give another --out"
            )
        return run


def lineage(run: Run) -> tuple[list[Path], str | None]:
    """Return a run's folder and those of the runs that it goes back to, and the first of these that is gone."""
    found, origin = [run.path], run.origin
    while origin is not None:
        path = Path(origin["path"])
        if not _is_still(path, origin["data_fingerprint"]):
            return found, origin["path"]
        found, origin = [*found, path], origin["origin"]
    return found, None


def _is_still(path: Path, fingerprint: str) -> bool:
    try:
        return Run.open(path).fingerprint == fingerprint
    except RunError:
        return False
