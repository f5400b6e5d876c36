"""A run folder that is made in one step, from a finished run: it is whole, or it is not there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionft.errors import RunError
from visionft.runs.writing import replacing


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
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        yield partial
        partial.chmod(0o755)  # mkdtemp makes folders that their owner alone can read
        try:
            partial.rename(out)
        except OSError as error:
            raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy_file(source: Path, target: Path) -> None:
    """Copy one file of a run into another run's folder.

    Raises:
        RunError: the run has no such file, or it cannot be written.
    """
    if not source.is_file():
        raise RunError(f"the run {source.parent} lacks {source.name}; restore it from a copy or train again")
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def _unwritable(out: Path, error: OSError) -> RunError:
    return RunError(f"{out} cannot be made ({error.strerror}); choose another folder with --out")
