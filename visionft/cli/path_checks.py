"""Looking at places before the heavy imports: a path that is none, or is mistyped, is answered at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin

from cyclopts import Parameter, Token
from cyclopts.exceptions import UnknownOptionError

from visionft.errors import DataError, RunError, UsageError
from visionft.files.manifest_names import is_manifest
from visionft.files.paths import unreachable
from visionft.machine.cuda_driver import NO_DEVICE, surely_none
from visionft.remote.addresses import archive_of, is_elsewhere
from visionft.remote.archives import require_archive
from visionft.remote.hub_address import hub_address_of

if TYPE_CHECKING:
    from visionft.photos import Asked, Exact

LONGEST_LINE = 32_768
"""Bytes: several times what any system takes for a path."""


def _converted(kind: Any, tokens: Sequence[Token]) -> Any:
    for token in tokens:
        if wrong := unreachable(token.value):
            raise UsageError(wrong)
    if get_origin(kind) is list:
        return [token.value for token in tokens]
    return kind(tokens[0].value)


PLACE = Parameter(converter=_converted)
"""The one door for paths on the command line: what can be none is told at once. Every parameter that is a path has it.

The settings of fit pass through the door of their tree instead (`visionft.settings.node.Place`).
"""


def require_run(place: Path) -> None:
    """Raise RunError if there is no folder there, nor an address of the hub."""
    if not place.is_dir() and hub_address_of(place) is None:
        wrong = "is not a folder" if place.exists() else "does not exist"
        raise RunError(
            f"the run or bundle {place} {wrong}; give the folder that `visionft fit` or `visionft export` wrote"
        )


def require_photos(place: Path, name: str = "PHOTOS") -> None:
    """Raise DataError if there is neither a folder nor a manifest there; `name` is how the user gave it."""
    if archive := archive_of(place):
        require_archive(Path(archive), archive)
    if is_elsewhere(place):
        return
    if not place.exists():
        raise DataError(f"{name}: {place} does not exist; give a folder of class folders, or a CSV/Parquet manifest")
    if not place.is_dir() and not is_manifest(place):
        raise DataError(f"{place} is neither a folder nor a .csv or .parquet manifest: give one of these")


def require_device(device: str) -> None:
    """Raise UsageError where CUDA was asked for and surely is not here."""
    if device == "cuda" and surely_none():
        raise UsageError(NO_DEVICE)


def require_places(places: Sequence[str]) -> None:
    """Raise DataError where none of the photos and folders exists, naming the first; globs are left to the search."""
    if places and all(map(_missing, places)):
        from visionft.photos import printable  # with numpy and PIL, which a call without a mistake need not wait for

        raise DataError(f"{printable(places[0])} does not exist; give photos, folders of photos or globs")


def refuse_flags(places: Sequence[str], command: str) -> None:
    """Raise what the parser says of an unknown flag, for a command that takes `-` and so everything that begins so."""
    for place in places:
        if place.startswith("-") and place != "-" and not os.path.lexists(place):
            from visionft.cli.app import build_app

            known = build_app()[command].assemble_argument_collection()
            token = Token(keyword=place.partition("=")[0], value="")
            raise UnknownOptionError(token=token, argument_collection=known, command_chain=(command,))


def _missing(place: str) -> bool:
    return not is_elsewhere(place) and not any(sign in place for sign in "*?[") and not os.path.exists(place)  # noqa: PTH110  # Path's may raise


def with_standard_input(places: Sequence[str]) -> Asked | Iterable[Asked]:
    """Return the one place, or the places with the paths that standard input names, one a line, where `-` stands.

    Lines end in LF or CR LF, and empty ones are passed over. A line is a path as it stands, never a pattern; its bytes
    may be of any encoding, but a name that holds an end of line has to be given as an argument.

    Raises:
        UsageError: `-` is given twice.
    """
    if (times := places.count("-")) > 1:
        raise UsageError(f"- is given {times} times; standard input can be read once")
    if times:
        return _replaced(places)
    return places[0] if len(places) == 1 else places


def _replaced(places: Sequence[str]) -> Iterator[str | Exact]:
    for place in places:
        if place == "-":
            yield from _lines()
        else:
            yield place


def _lines() -> Iterator[Exact]:
    from visionft.photos import Exact

    empty = True
    for line in _bytes_of_lines():
        if path := line.removesuffix(b"\n").removesuffix(b"\r"):
            empty = False
            yield Exact(os.fsdecode(path))
    if empty:
        raise DataError("standard input names no photo; give one path a line, as `find` and `ls` do")


def _bytes_of_lines() -> Iterator[bytes]:
    try:
        while sys.stdin is not None and (line := sys.stdin.buffer.readline(LONGEST_LINE + 1)):
            if len(line) > LONGEST_LINE:
                raise DataError(
                    f"standard input has a line of over {LONGEST_LINE:,} bytes; give one path of a photo a line"
                )
            yield line
    except OSError as error:
        raise DataError(f"standard input cannot be read ({error.strerror}); give one path of a photo a line") from error
