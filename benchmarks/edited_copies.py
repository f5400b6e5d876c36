"""What is found of edited copies, beside imagededup: twelve edits of each photo of clothing's test split.

    python benchmarks/edited_copies.py
    python benchmarks/edited_copies.py --peer VENV/bin/python   # a Python that has imagededup, and timm for its CNN
    python benchmarks/edited_copies.py --markdown

All photos and all edits lie in the folders of their classes. A copy is found where pairs that are said connect it with
its original, by way of other copies or not; a collage where a pair that is said names it and its first photo, or a copy
that was found of that. Precision is that of the pairs that are said and name an edit. Thresholds are everybody's
defaults. imagededup's CNN has the weights of mobilenetv2_100 that are given: its own lie on a server.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import SHARED, Cells, fresh
from edits import EDITS, collage
from PIL import Image

from visionft.auditing.near_duplicates import groups

Pairs = list[tuple[str, str]]
KINDS = [*EDITS, "collage"]
WEIGHTS = SHARED / "weights" / "mobilenetv2_100.safetensors"
PEERS = ("PHash", "CNN")
OURS = "visionft"


def pool(folder: Path, most: int) -> dict[str, set[int]]:
    """Write photos and their edits; return the photos, by number, that each file shows."""
    originals = sorted((SHARED / "data" / "clothing" / "test").rglob("*.jpg"))
    rng = np.random.default_rng(0)
    shown: dict[str, set[int]] = {}
    for at, path in enumerate(originals):
        name = f"{path.parent.name}/original-{at:04}.jpg"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
        shown[name] = {at}
    for at in sorted(rng.permutation(len(originals))[:most].tolist()):
        beside = np.random.default_rng(at)  # the same however many are edited
        others = beside.permutation([other for other in range(len(originals)) if other != at])[:3].tolist()
        for kind in KINDS:
            name = edit_of(f"{originals[at].parent.name}/original-{at:04}.jpg", kind)
            shown[name] = {at, *others} if kind == "collage" else {at}
            if not (folder / name).exists():
                make(originals, at, others, kind).save(folder / name, quality=90)
    return shown


def make(originals: Sequence[Path], at: int, others: Sequence[int], kind: str) -> Image.Image:
    """Return an edit of a photo; a collage has others beside it."""
    picture = Image.open(originals[at]).convert("RGB")
    if kind == "collage":
        return collage(picture, [Image.open(originals[other]).convert("RGB") for other in others])
    return EDITS[kind](picture)


def edit_of(original: str, kind: str) -> str:
    """Return the path of an edit."""
    return original.replace("original", "edit").replace(".jpg", f"-{KINDS.index(kind):02}.jpg")


def ours(folder: Path) -> tuple[Pairs, dict[str, Any]]:
    """Return the pairs that `visionft audit` says, in a process of its own whose caches are empty."""
    with tempfile.TemporaryDirectory() as out, fresh() as environment:
        command = [sys.executable, "-m", "visionft", "audit", folder, "--out", Path(out) / "audit", "--json"]
        began = time.monotonic()
        subprocess.run([*map(str, command)], check=True, env=environment, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - began
        record = json.loads((Path(out) / "audit" / "audit.json").read_text())
        lines = (Path(out) / "audit" / "near_duplicates.csv").read_text().splitlines()[1:]
    pairs = [(line.split(",")[0], line.split(",")[1]) for line in lines]
    return pairs, {"seconds": round(seconds, 1), "threshold": record["threshold"]}


def theirs(python: Path, method: str, folder: Path) -> tuple[Pairs, dict[str, Any]]:
    """Return the pairs that imagededup says."""
    script = Path(__file__).with_name("peer_copies.py")
    said = subprocess.run(
        [python, script, method, folder, WEIGHTS], check=True, text=True, stdout=subprocess.PIPE
    ).stdout.splitlines()[-1]
    found = json.loads(said)
    return [(first, second) for first, second in found.pop("pairs")], found


def judged(said: Pairs, shown: dict[str, set[int]]) -> dict[str, Any]:
    """Compare pairs with what the files were made of."""
    names = sorted(shown)
    place = {name: at for at, name in enumerate(names)}
    named = [(a, b) for a, b in said if "edit-" in a or "edit-" in b]
    right = [pair for pair in named if shown[pair[0]] & shown[pair[1]]]
    recall = {kind: round(float(np.mean(hits)), 4) for kind, hits in found_of(said, shown, names, place).items()}
    strange = sorted(set(named) - set(right))
    return {
        "photos": len(names), "pairs": len(named), "precision": round(len(right) / max(1, len(named)), 4),
        "recall": round(float(np.mean([*recall.values()])), 4), "by_edit": recall, "wrong": len(strange),
        "wrong_examples": strange[:10], "originals_said": sorted(set(said) - set(named))[:20],
    }  # fmt: skip


def found_of(
    said: Pairs, shown: dict[str, set[int]], names: Sequence[str], place: dict[str, int]
) -> dict[str, list[bool]]:
    """Return for each kind of edit whether each was found."""
    single = [(a, b) for a, b in said if len(shown[a]) == len(shown[b]) == 1]  # a collage connects different photos
    group = np.arange(len(names))
    for members in groups(len(names), indices(single, place)):
        group[members] = members[0]
    partners: dict[str, list[int]] = {}
    for first, second in said:
        for name, other in ((first, second), (second, first)):
            if len(shown[name]) > 1:
                partners.setdefault(name, []).append(int(group[place[other]]))
    hits: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for original in (name for name in names if "original-" in name):
        for kind in KINDS:
            edit = edit_of(original, kind)
            if edit not in place:
                continue
            of = partners.get(edit, []) if kind == "collage" else [int(group[place[edit]])]
            hits[kind].append(int(group[place[original]]) in of)
    return hits


def indices(pairs: Iterable[tuple[str, str]], place: dict[str, int]) -> Any:
    """Return pairs (p, 2) of numbers."""
    return np.array([(place[a], place[b]) for a, b in pairs], np.int64).reshape(-1, 2)


def measured(who: str, folder: Path, most: int, python: Path | None) -> dict[str, Any]:
    """Write the photos, have them looked at, and compare."""
    shown = pool(folder, most)
    if who == OURS:
        said, facts = ours(folder)
    else:
        assert python is not None
        said, facts = theirs(python, who.split()[-1], folder)
    return {**judged(said, shown), **facts}


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table: who, recall of each edit, precision, seconds."""

    def line(title: str, *cells: str) -> str:
        return f"| {' | '.join((title, *cells))} |"

    return "\n".join([
        line("edit", *(row["key"]["who"] for row in rows)),
        f"|---|{'---|' * len(rows)}",
        *(line(kind, *(f"{row['by_edit'][kind]:.3f}" for row in rows)) for kind in KINDS),
        line("recall, mean of twelve", *(f"{row['recall']:.3f}" for row in rows)),
        line("precision", *(f"{row['precision']:.4f}" for row in rows)),
        line("pairs said", *(f"{row['pairs']:,}" for row in rows)),
        line("seconds", *(f"{row['seconds']:,.0f}" for row in rows)),
    ])  # fmt: skip


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=372, help="photos that are edited")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "visionft-edited-copies")
    parser.add_argument("--peer", type=Path, help="a Python that has imagededup and timm")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("edited_copies")
    if given.markdown:
        print(markdown(cells.rows))
        return
    for who in [*([f"imagededup {method}" for method in PEERS] if given.peer else []), OURS]:
        work = partial(measured, who, given.folder, given.most, given.peer)
        cells.measure({"who": who, "set": "clothing", "edited": given.most}, work)


if __name__ == "__main__":
    main()
