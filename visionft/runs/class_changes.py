"""What becomes of the classes of a run when another one goes on from it with other photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from visionft.classes import Classes, normalise
from visionft.errors import UsageError
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import some


@dataclass(frozen=True)
class Succession:
    """What becomes of the classes of a run under new photos.

    Attributes:
        rows: (C,) for each new class the row of the old head that it keeps; none: it has no row yet.
        kept: (old name, new name) of the classes that both know.
        added: classes that the run did not have.
        retired: classes of the run that the photos lack.
    """

    rows: tuple[int | None, ...]
    kept: tuple[tuple[str, str], ...]
    added: tuple[str, ...]
    retired: tuple[str, ...]

    @property
    def new_rows(self) -> tuple[int, ...]:
        """Indices of the classes without a row."""
        return tuple(i for i, row in enumerate(self.rows) if row is None)

    def __str__(self) -> str:
        renamed = [f"{old} to {new}" for old, new in self.kept if old != new]
        parts = [f"{len(self.kept)} kept"]
        for names, what in ((renamed, "of them renamed"), (self.added, "new"), (self.retired, "retired")):
            parts += [f"{len(names)} {what} ({some(names)})"] if names else []
        return "classes: " + ", ".join(parts)


def succeed(old: Classes, new: Classes, rename: Mapping[str, str] | None) -> Succession:
    """Match the classes of a run with those of the photos by name, renamed ones by their new name.

    Raises:
        UsageError: a renaming names a class that the run or the photos do not have, or gives one row to two classes.
    """
    names = {normalise(before): normalise(after) for before, after in (rename or {}).items()}
    require_known(old, names)
    now = {name: names.get(name, name) for name in old}
    for before, after in names.items():
        if after not in new:
            raise UsageError(
                f"--classes.rename: the photos have no class {after!r} for {before!r} to become"
                f"{did_you_mean(after, new)}; give the new name as the photos have it, or leave {before!r} out"
            )
        if doubled := next((name for name in old if now[name] == after and name != before), None):
            raise UsageError(
                f"--classes.rename: {before!r} and {doubled!r} would both be {after!r}; rename one of them otherwise, "
                "or leave it out"
            )
    origin = {after: before for before, after in now.items()}
    rows = tuple(old.index(origin[name]) if name in origin else None for name in new)
    kept = tuple((origin[name], name) for name in new if name in origin)
    added = tuple(name for name in new if name not in origin)
    return Succession(rows, kept, added, tuple(name for name in old if now[name] not in new))


def require_known(old: Classes, rename: Mapping[str, str] | None) -> None:
    """Raise UsageError where a class is to be renamed that the run does not have."""
    if unknown := [name for name in rename or {} if name not in old]:
        raise UsageError(
            f"--classes.rename: the run that --from names has no class {unknown[0]!r}"
            f"{did_you_mean(unknown[0], old)}; give one of its classes ({some(old)})"
        )
