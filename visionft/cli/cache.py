"""`visionft cache`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.output import Json, finish
from visionft.data.caches import cache_folder, decisions, inventory
from visionft.data.caches.decisions import Decision
from visionft.data.caches.inventory import Kept

ABOUT = {"size": "crops of", "batch_size": "batches of", "threads": "threads", "epochs": "epochs"}
"""What a decision was made for, as far as it tells one from another, and how that is called."""


def cache(
    *,
    clear: Annotated[bool, Parameter(help="Remove it; what is needed is computed again.", negative="")] = False,
    as_json: Json = False,
) -> None:
    """Print what is kept between runs, and where; nothing in it is ever the only copy. $VISIONFT_CACHE moves it."""
    found = inventory.clear() if clear else inventory.inventory()
    settled = [] if clear else decisions.known()
    told = "\n".join([_heading(found, clear), *map(_line, found), *map(_decided, settled)])
    result: dict[str, Any] = {
        "root": cache_folder.root(),
        "cleared": clear,
        "files": sum(kept.files for kept in found),
        "bytes": sum(kept.bytes for kept in found),
        "folders": [_row(kept) for kept in found],
        "decisions": [{"made": one.made, "about": one.about, "chosen": one.chosen} for one in settled],
    }
    can_go = not clear and any(kept.files for kept in found if kept.name in inventory.KINDS)
    following = ["cache", "--clear"] if can_go else ["fit", "PHOTOS"]
    finish(told, result, *following, as_json=as_json)


def _heading(found: Sequence[Kept], cleared: bool) -> str:
    files, size = sum(kept.files for kept in found), _size(sum(kept.bytes for kept in found))
    if cleared:
        return f"freed {size} of {files:,} files in {cache_folder.root()}"
    return f"{size} in {files:,} files in {cache_folder.root()}"


def _line(kept: Kept) -> str:
    return f"  {kept.name:12} {_size(kept.bytes):>9}  {kept.files:>9,} files  {kept.path}  ({kept.meaning})"


def _decided(decision: Decision) -> str:
    """Say what was chosen, and for what, without the machine and the versions, which are mostly the same."""
    chosen = ", ".join(f"{one.get('setting')} = {one.get('value')}" for one in decision.chosen)
    about = decision.about
    what = about.get("backbone") or about.get("what")
    details = [str(method["name"])] if isinstance(method := about.get("method"), dict) and "name" in method else []
    details += [f"{label} {_value(about[key])}" for key, label in ABOUT.items() if about.get(key) is not None]
    return f"  decided on {decision.made}: {chosen} for {what} ({', '.join(details)})"


def _value(value: Any) -> str:
    return " x ".join(map(str, value)) if isinstance(value, list) else str(value)


def _row(kept: Kept) -> dict[str, Any]:
    return {
        "name": kept.name,
        "path": kept.path,
        "meaning": kept.meaning,
        "files": kept.files,
        "bytes": kept.bytes,
    }


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"
