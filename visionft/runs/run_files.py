"""Read the files of a run: each is looked at before it is used, and a damaged one is said in a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from visionft.errors import RunError, SettingsError, VisionftError
from visionft.files import digests
from visionft.files.safe_json import read_object
from visionft.files.safe_open import RECORD_BYTES, TABLE_BYTES, WEIGHTS_BYTES, Entry, UnreadableError, require_file
from visionft.runs import layout
from visionft.settings import FitSettings, from_yaml

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


def read_json(path: Path) -> dict[str, Any]:
    """Read a record of a run.

    Raises:
        RunError: the file is missing or damaged.
    """
    verify(path, RECORD_BYTES)
    try:
        return read_object(path)
    except UnreadableError as error:
        raise damaged(path, error.reason) from error


def read_record(path: Path, build: Callable[[dict[str, Any]], T]) -> T:
    """Read a record of a run and build what it describes.

    Raises:
        RunError: the file is missing or damaged, or lacks what is built.
    """
    record = read_json(path)
    try:
        return build(record)
    except (KeyError, TypeError, ValueError, AttributeError, VisionftError) as error:
        lacking = f"it has no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise damaged(path, lacking) from error


def read_settings(path: Path) -> FitSettings:
    """Read the settings of a run.

    Raises:
        RunError: the file is missing or damaged.
    """
    verify(path, RECORD_BYTES)
    try:
        return from_yaml(path)
    except (SettingsError, ValueError, TypeError, RecursionError) as error:
        raise damaged(path, str(error).partition("\n")[0].removeprefix(f"{path}: ")) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a file of weights, onto the processor.

    Raises:
        RunError: the file is missing or damaged.
    """
    # Here, not above: whoever reads records alone, as the list of runs does, needs no torch.
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    verify(path)
    try:
        return load_file(path)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise damaged(path, f"it cannot be read as safetensors: {str(error).partition(chr(10))[0]}") from error


def verified_table(path: Path) -> Path:
    """Return the path of a table that is as it was written; RunError otherwise."""
    verify(path, TABLE_BYTES)
    return path


def verify(path: Path, most: int = WEIGHTS_BYTES) -> Entry:
    """Return size and digest of a file of a run.

    Raises:
        RunError: it is no regular file within its bound, or not the one that was written.
    """
    try:
        return digests.verify(path, most)
    except UnreadableError as error:
        raise damaged(path, error.reason) from error


def recorded(path: Path) -> bool:
    """Tell whether a file was ever written into its run; RunError where digests.json is damaged."""
    folder = digests.keeper_of(path)
    if folder is None:
        return False
    try:
        return digests.key(folder, path) in digests.Digests.read(folder).files
    except UnreadableError as error:
        raise damaged(folder / digests.NAME, error.reason) from error


def require_run(folder: Path, *, unfinished: bool = False) -> bool:
    """Tell whether a run is finished, by which files it has.

    Raises:
        RunError: there is no run, or it is unfinished and that was not asked for.
    """
    if not folder.is_dir():
        raise RunError(f"there is no run at {folder}; give the folder that `visionft fit` wrote")
    if not os.path.lexists(folder / layout.SETTINGS):
        raise RunError(f"{folder} is not a run: it has no {layout.SETTINGS}; give the folder that `visionft fit` wrote")
    finished = os.path.lexists(folder / layout.RESULT)
    if not finished and not unfinished:
        raise RunError(f"the run {folder} is not finished; run the same `visionft fit` again to go on with it")
    return finished


def require_digests(folder: Path) -> None:
    """Raise RunError where a run should have digests.json and has lost it: nothing else in it could be trusted."""
    if os.path.lexists(folder / digests.NAME):
        return
    try:
        environment = read_object(folder / layout.ENVIRONMENT)
    except UnreadableError as error:
        raise damaged(folder / layout.ENVIRONMENT, error.reason) from error
    if layout.keeps_digests(environment):
        raise RunError(f"the run {folder} lacks {digests.NAME}; restore it from a copy or train again")


def require_files(folder: Path, names: frozenset[str]) -> None:
    """Raise RunError where files of a run are missing, or are no files."""
    missing = sorted(name for name in names if not os.path.lexists(folder / name))
    if missing:
        raise RunError(f"the run {folder} lacks {', '.join(missing)}; restore it from a copy or train again")
    for name in sorted(names):
        try:
            require_file(folder / name)
        except UnreadableError as error:
            raise damaged(folder / name, error.reason) from error


def damaged(path: Path, reason: str) -> RunError:
    """Return the error that says so."""
    return RunError(f"{path} is damaged ({reason}); restore it from a copy, or train again with another --out")
