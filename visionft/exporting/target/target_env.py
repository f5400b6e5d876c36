"""A temporary environment that holds the target and numpy, and nothing else."""

from __future__ import annotations

import platform
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from visionft.errors import TargetError
from visionft.exporting.target.target_runtime import Runtime
from visionft.exporting.target.target_version import Target


@contextmanager
def environment(target: Target) -> Iterator[Runtime]:
    """Install the target with pip, as this user's pip is set up, into a folder that is gone afterwards.

    Raises:
        TargetError: it cannot be installed here.
    """
    with TemporaryDirectory(prefix="visionft-target-") as folder:
        python = _created(Path(folder), target)
        # A source distribution would be compiled here, for hours, and be another build than the one that serves.
        words = ("install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", *target.requirements)
        done = subprocess.run([python, "-I", "-m", "pip", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise TargetError(
                f"{target} cannot be installed for Python {platform.python_version()} ({_reason(done.stderr)}): give "
                "a version that has a build for it, or see whether pip reaches its index"
            )
        yield Runtime(target, python)


def _created(folder: Path, target: Target) -> Path:
    try:
        venv.create(folder, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise TargetError(
            f"no temporary environment for {target} can be made in {folder.parent} ({error}): free some of its disk, "
            "or install this Python's venv and ensurepip"
        ) from error
    return folder / "bin" / "python"


def _reason(said: str) -> str:
    """Return pip's first error, without the list of all versions that there are."""
    lines = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    return lines[0].split(" (from versions: ")[0] if lines else "pip gave no reason"
