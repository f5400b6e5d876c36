"""Claim: seconds and memory a photo do not grow from a thousand photos to a million, nor does a start take a minute.

python benchmarks/scaling.py [--up-to 1000000] [--folder FOLDER] [--minutes 60]       no network, no weights; Linux

Makes 10^3, 10^4, ... distinct small JPEGs (32 pixels, a comment of its own in each, 100 classes) and measures each
phase in a process of its own: `first` opens every photo, from the disk; `again` finds the scan cache of before. `start`
is a fit from the start of its process to the end of its first step, with everything unchanged; its network costs next
to nothing. `load` fills batches for no network. `answers` is what an evaluation computes and writes, ten classes,
without its network. Bytes are those by which the process grew at its peak. The table shows processor time, which says
the same beside other work, and for `start` seconds.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import RESULTS, Cells, told
from PIL import Image

SIZES = [10**power for power in range(3, 7)]
CLASSES = 100
VARIANTS = 48
SETTLED = 2.5  # seconds after which the scan cache believes that a file is at rest
PHASES = ["list", "check, first", "check, again", "split", "prepare, first", "prepare, again", "start"]
PHASES += ["load, 0 workers", "load, 2 workers", "answers"]


def make(folder: Path, n: int) -> None:
    """Write n JPEGs of distinct bytes into class folders."""
    pictures = [_picture(seed) for seed in range(VARIANTS)]
    for kind in range(CLASSES):
        place = folder / f"class-{kind:03}"
        place.mkdir(parents=True)
        for number in range(kind, n, CLASSES):
            picture, comment = pictures[number % VARIANTS], b"%012d" % number
            segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
            with open(f"{place}/{number:08}.jpg", "wb") as file:  # noqa: PTH123  # a million times
                file.write(picture[:2] + segment + picture[2:])
    time.sleep(SETTLED)


def _picture(seed: int) -> bytes:
    patches = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(patches.repeat(8, 0).repeat(8, 1)).save(file, "JPEG", quality=75)
    return file.getvalue()


@contextmanager
def photos_of(n: int, kept: Path | None) -> Iterator[Path]:
    """Yield a folder of n photos beside which there is room for a cache; it stays if it lies in a folder given."""
    place = kept / str(n) if kept else Path(tempfile.mkdtemp(prefix="scaling-"))
    try:
        if not (place / "whole").is_file():
            shutil.rmtree(place, ignore_errors=True)
            make(place / "photos", n)
            (place / "whole").touch()
        yield place
    finally:
        if kept is None:
            shutil.rmtree(place)


def measure(phase: str, place: Path, n: int) -> dict[str, Any]:
    """Run one phase in a process of its own."""
    script, cache = Path(__file__).with_name("phases.py"), place / "cache"
    if "first" not in phase and not cache.is_dir():  # the folder was made anew
        told(script, "check, first", place / "photos", cache=cache)
    row, seconds = told(script, phase, place / "photos", cache=cache)
    return {"photos": n, **row, "process_seconds": round(seconds, 2)}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table: processor time and memory a photo, and the whole start."""
    sizes = sorted({row["key"]["photos"] for row in rows})
    lines = [f"| phase | {' | '.join(f'{n:,}' for n in sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    for phase in PHASES:
        found = {row["key"]["photos"]: row for row in rows if row["key"]["phase"] == phase}
        fields = (_field(found[n]) if n in found else "" for n in sizes)
        lines.append(f"| {phase} | {' | '.join(fields)} |")
    return "\n".join(lines)


def _field(row: dict[str, Any]) -> str:
    if row["key"]["phase"] == "start":
        return f"{row['process_seconds']:.1f} s in all, {row['bytes'] / 1e6:,.0f} MB"
    if "alone" in row:  # of photos read by hand
        own, alone = (1e6 * row[name] / row["photos"] for name in ("processor_seconds", "alone"))
        return f"{own:,.1f} µs ({alone:,.1f} µs without a loader)"
    each = 1e6 * row["processor_seconds"] / row["photos"]
    return f"{each:,.1f} µs, {row['bytes'] / row['photos']:,.0f} B"


def main() -> None:
    """Measure until the minutes are over, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--up-to", type=int, default=SIZES[-1], help="photos of the largest folder")
    parser.add_argument("--folder", type=Path, help="where photos are made, and kept for the next time")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=RESULTS / "scaling.jsonl")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out)
    if given.markdown:
        print(markdown(cells.rows))
        return
    end = time.monotonic() + 60 * given.minutes
    for n in (size for size in SIZES if size <= given.up_to):
        keys = [{"phase": phase, "photos": n} for phase in PHASES]
        keys = [key for key in keys if all(row["key"] != key for row in cells.rows)]
        if not keys:
            continue
        with photos_of(n, given.folder) as place:
            for key in keys:
                if time.monotonic() > end:
                    print(f"the minutes are over before {key}; the same command goes on", flush=True)
                    return
                cells.measure(key, partial(measure, key["phase"], place, n))


if __name__ == "__main__":
    main()
