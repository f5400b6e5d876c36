"""What a trial or the state of the machine decided, kept between runs: the same command then decides the same again.

A stopwatch answers otherwise on a busy machine, and a choice of arithmetic is in every number that follows. So a choice
is made once for all that it is about, and found again until somebody clears the caches.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from visionft.data.caches import cache_folder

FOLDER = "decisions"
FORMAT = 1
MOST_BYTES = 1 << 20

Chosen = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Decision:
    """One choice, or several that were made together.

    Attributes:
        about: all that it depends on, as plain values.
        chosen: the choices, as plain values.
        made: the day, as YYYY-MM-DD.
        new: whether it was made just now.
        kept: whether it is on the disk, where the next run finds it.
    """

    about: Mapping[str, Any]
    chosen: Chosen
    made: str
    new: bool = False
    kept: bool = True


def settle(about: Mapping[str, Any], choose: Callable[[], Chosen]) -> Decision:
    """Return what was decided about this before, or decide and keep it.

    Of processes that ask the same at once, one decides and the others wait for it. A cache that cannot be written
    decides each time anew.

    Args:
        about: all that the choice shall depend on, as plain values that JSON can hold.
        choose: makes the choice.
    """
    with _alone(_place(about)):
        found = _read(_place(about))
        if found is not None and found.about == _plain(about):
            return found
        chosen, made = choose(), datetime.now(UTC).date().isoformat()
        return Decision(about, chosen, made, new=True, kept=_write(_place(about), about, chosen, made))


def known() -> list[Decision]:
    """Return every decision that is kept, the oldest first."""
    found = (_read(Path(file.path)) for file in cache_folder.files(cache_folder.root() / FOLDER))
    return sorted((one for one in found if one is not None), key=lambda one: (one.made, json.dumps(one.about)))


def _place(about: Mapping[str, Any]) -> Path:
    words = json.dumps(about, sort_keys=True)
    return cache_folder.root() / FOLDER / f"{hashlib.sha256(words.encode()).hexdigest()[:32]}.json"


def _plain(about: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(about))


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the lock of one decision; where there can be none, go on without."""
    lock, descriptor = place.with_suffix(".lock"), None
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(lock)
    try:
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                lock.unlink()
            os.close(descriptor)


def _locked(lock: Path) -> int:
    """Wait for the lock, and return its descriptor; who held it before has removed its file."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _read(place: Path) -> Decision | None:
    """Return a kept decision; one that is damaged, or of another form, is none."""
    try:
        if not place.is_file() or place.stat().st_size > MOST_BYTES:
            return None
        record = json.loads(place.read_text(encoding="utf-8"))
        whole = record["format"] == FORMAT and isinstance(record["about"], dict) and isinstance(record["made"], str)
        chosen = [dict(one) for one in record["chosen"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Decision(record["about"], chosen, record["made"]) if whole else None


def _write(place: Path, about: Mapping[str, Any], chosen: Chosen, made: str) -> bool:
    record = {"format": FORMAT, "about": about, "chosen": [dict(one) for one in chosen], "made": made}
    try:
        handle, name = tempfile.mkstemp(suffix=".part", prefix=f".{place.stem}.", dir=place.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(record, file, indent=2)
            Path(name).replace(place)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError:
        return False
    return True
