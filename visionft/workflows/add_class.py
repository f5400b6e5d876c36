"""A class more for a run, from a few photos."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import UsageError
from visionft.workflows.embedders import features_of
from visionft.workflows.remote_photos import local_asked
from visionft.workflows.run_or_bundle import holds_bundle, path_of, place_of, run_at

if TYPE_CHECKING:
    from visionft.photos import Asked
    from visionft.runs import Run

Say = Callable[[str], None]


def add_class(
    run: Run | str | Path,
    photos: Asked | Iterable[Asked],
    *,
    name: str | None = None,
    out: str | Path | None = None,
    say: Say = print,
) -> Run:
    """Make a new run that knows a class more, from a few photos; nothing else of its answers' rows changes by a bit.

    The run is of `--method prototypes`, and no other photo is read: figures are of the validation features it keeps.

    Args:
        run: a finished run or its folder.
        photos: of the class, one or several, as for `predict`.
        name: of the class; none: the folder's, where one folder is given.
        out: the new run's folder; none: RUN-with-NAME beside RUN.
        say: receives each line of the report; print by default.

    Raises:
        UsageError: the run has no prototypes, or has the class; or there is no name.
        RunError: something is at `out`, or the run is damaged.
        DataError: no photo can be read.
    """
    if holds_bundle(path := path_of(run)):
        raise UsageError(f"{path} is a bundle; add the class to the run that it was exported from, and export again")
    opened, called = run_at(path), _folder_name(photos) if name is None else name
    if not called.strip():
        raise UsageError("--name: the name of the class is empty; give one")
    from visionft.finishing.new_prototype import add_prototype, require_prototypes

    whole = opened.path.resolve() if opened.path.name in ("", "..") else opened.path
    word = re.sub(r"[^\w.-]+", "-", called).strip("-.") or "class"
    place = place_of(out, "--out") or whole.with_name(f"{whole.name}-with-{word}")
    require_prototypes(opened, called, place)
    features, names = features_of(path, local_asked(photos), say)
    made, addition = add_prototype(opened, called, features, place, _digests(names))
    say(str(addition))
    return made


def _digests(names: Iterable[str]) -> list[str]:
    """Return the SHA-256 of the photos that are files."""
    from visionft.photos import contents, digest

    return [digest(contents(Path(name))) for name in names if Path(name).is_file()]


def _folder_name(photos: Asked | Iterable[Asked]) -> str:
    alone = photos[0] if isinstance(photos, list | tuple) and len(photos) == 1 else photos
    if isinstance(alone, str | os.PathLike) and Path(os.fspath(alone)).is_dir():
        return Path(os.fspath(alone)).absolute().name
    raise UsageError("--name: the class has no name, as not one folder alone is given; name it with --name")
