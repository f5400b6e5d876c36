"""A run folder that is made in one step, from a finished run: it is whole, or it is not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionft.errors import RunError
from visionft.files.atomic_folder import placed_folder
from visionft.files.temporary import reason_of
from visionft.runs.atomic_write import replacing
from visionft.runs.run_files import require_files, verify


@contextmanager
def placed(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside `out` to fill; it becomes `out` at the end, or is gone after any failure.

    Args:
        out: not there, or an empty folder.

    Raises:
        RunError: it cannot be written there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with placed_folder(out, replace=False) as partial:
            yield partial
    except OSError as error:
        raise RunError(f"{out} cannot be made ({reason_of(error)}); choose another folder with --out") from error


def copy_file(source: Path, target: Path) -> None:
    """Copy one file of a run into another run's folder.

    Raises:
        RunError: the run has no such file, it is damaged, or it cannot be written.
    """
    require_files(source.parent, frozenset({source.name}))
    verify(source)
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
