"""What two bundles say of the same photos, side by side."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from visionft.bundle.prediction_files import write_table
from visionft.photos import Quarantined
from visionft.serving.prediction_changes import WRITERS, ClassPair, Compared, Turn
from visionft.wording.lists import count

Z95 = 1.959963984540054  # the normal quantile of 97.5 %
SHOWN = 10
"""Rows of each table that printing shows."""


@dataclass(frozen=True)
class Comparison:
    """Two bundles on the same photos.

    Attributes:
        before: folder of the first bundle.
        after: folder of the second.
        rows: one a readable photo, in sorted order.
        quarantine: the other files, each with its reason.
        gone: classes of the first bundle alone.
        new: classes of the second bundle alone.
    """

    before: Path
    after: Path
    rows: tuple[Compared, ...]
    quarantine: tuple[Quarantined, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def changes(self) -> tuple[Compared, ...]:
        """The photos whose answer changes."""
        return tuple(row for row in self.rows if row.changed)

    @property
    def turns(self) -> Counter[Turn]:
        """Photos with a known truth, by whether their labels are right."""
        return Counter(row.turn for row in self.rows if row.turn is not None)

    @property
    def labelled(self) -> int:
        """Photos whose truth is known."""
        return self.turns.total()

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the change in accuracy, in [-1, 1]; none without labelled photos."""
        if not self.labelled:
            return None
        return paired_interval(self.turns["right to wrong"], self.turns["wrong to right"], self.labelled)

    def pairs(self) -> list[ClassPair]:
        """Return the changes of label by pair of classes, the most frequent first."""
        pairs = Counter((row.before.label, row.after.label) for row in self.rows if row.relabelled)
        turns = Counter((row.before.label, row.after.label, row.turn) for row in self.rows)
        ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
        return [
            ClassPair(*pair, photos, turns[*pair, "right to wrong"], turns[*pair, "wrong to right"])
            for pair, photos in ordered
        ]

    def moves(self, limit: int = SHOWN) -> list[Compared]:
        """Return the photos whose probabilities moved most, the furthest first."""
        return sorted(self.rows, key=lambda row: (-row.move, row.path))[:limit]

    def write(self, path: str | Path) -> Path:
        """Write the photos whose answer changes to .csv, .jsonl or .parquet, the furthest moved first.

        Raises:
            UsageError: another ending, or a place that cannot be written.
        """
        rows = [row.to_row() for row in sorted(self.changes, key=lambda row: (-row.move, row.path))]
        return write_table(rows, path, WRITERS, "changes")

    def to_json(self) -> dict[str, Any]:
        """Return plain values: counts, pairs of classes and the furthest moves."""
        turns, n = self.turns, self.labelled
        right = {"before": turns["right"] + turns["right to wrong"], "after": turns["right"] + turns["wrong to right"]}
        return {
            "photos": len(self.rows),
            "same": len(self.rows) - len(self.changes),
            "changed": len(self.changes),
            "relabelled": sum(row.relabelled for row in self.rows),
            "became_unknown": sum(row.after.unknown > row.before.unknown for row in self.rows),
            "became_known": sum(row.after.unknown < row.before.unknown for row in self.rows),
            "labelled": n,
            "right_to_wrong": turns["right to wrong"],
            "wrong_to_right": turns["wrong to right"],
            "top1_before": right["before"] / n if n else None,
            "top1_after": right["after"] / n if n else None,
            "interval": self.interval,
            "gone": list(self.gone),
            "new": list(self.new),
            "pairs": [vars(pair) for pair in self.pairs()],
            "moves": [row.to_row() for row in self.moves()],
            "quarantined": len(self.quarantine),
        }

    def __str__(self) -> str:
        return "\n".join([*self._counts(), *self._truth(), *self._classes(), *self._pairs(), *self._moves()])

    def _repr_html_(self) -> str:
        """Show the comparison in a notebook."""
        return f"<pre>{escape(str(self))}</pre>"

    def _counts(self) -> list[str]:
        counted = self.to_json()
        share = counted["changed"] / len(self.rows) if self.rows else 0.0
        asked = len(self.rows) + len(self.quarantine)
        unread = f", {len(self.quarantine):,} of {asked:,} not read" if self.quarantine else ""
        lines = [
            f"{count(len(self.rows), 'photo')}{unread}: "
            f"{counted['same']:,} keep their answer, {counted['changed']:,} ({share:.1%}) change it"
        ]
        flips = [f"{counted[f'became_{word}']:,} become {word}" for word in ("unknown", "known")]
        if counted["became_unknown"] or counted["became_known"]:
            lines.append(f"  {counted['relabelled']:,} get another label, {', '.join(flips)}")
        return [*lines, *(f"  {item.path}  not read: {item.reason}" for item in self.quarantine[:SHOWN])]

    def _truth(self) -> list[str]:
        counted = self.to_json()
        if self.interval is None:
            return ["no folder is named like a class, so nobody knows which answers are right"]
        low, high = (100 * end for end in self.interval)
        change = 100 * (counted["top1_after"] - counted["top1_before"])
        return [
            f"of {self.labelled:,} photos in class folders {counted['right_to_wrong']:,} turn from right to wrong, "
            f"{counted['wrong_to_right']:,} from wrong to right",
            f"  top-1 {counted['top1_before']:.1%} before, {counted['top1_after']:.1%} after: {change:+.1f} points, "
            f"95 % interval {low:+.1f} to {high:+.1f}",
        ]

    def _classes(self) -> list[str]:
        gone, new = set(self.gone), set(self.new)
        answered = sum(row.before.label in gone for row in self.rows)
        truly = sum(row.truth in gone and row.turn in ("wrong", "right to wrong") for row in self.rows)
        reached = sum(row.after.label in new for row in self.rows)
        lines = []
        if gone:
            lines.append(
                f"gone after: {_some(self.gone)} ({answered:,} photos were answered so; "
                f"{truly:,} lie in such folders and can only be wrong)"
            )
        return lines + ([f"new after: {_some(self.new)} ({reached:,} photos are answered so)"] if new else [])

    def _pairs(self) -> list[str]:
        pairs = self.pairs()
        if not pairs:
            return []
        wide = [max(len(name), *(len(getattr(pair, name)) for pair in pairs[:SHOWN])) for name in ("before", "after")]
        lines = [f"{'before':{wide[0]}}  {'after':{wide[1]}}  photos  right to wrong  wrong to right"]
        lines += [
            f"{pair.before:{wide[0]}}  {pair.after:{wide[1]}}  {pair.photos:>6,}  "
            f"{pair.right_to_wrong:>14,}  {pair.wrong_to_right:>14,}"
            for pair in pairs[:SHOWN]
        ]
        return [*lines, *([f"... {len(pairs) - SHOWN:,} more pairs"] if len(pairs) > SHOWN else [])]

    def _moves(self) -> list[str]:
        moved = [row for row in self.moves() if row.move >= 0.0005]  # less is printed as 0.0%
        head = ["moved furthest:"] if moved else []
        return head + [f"  {row.path}  {row.before} -> {row.after}, {row.move:.1%} moved" for row in moved]


def paired_interval(lost: int, gained: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of the change in a share, of the same photos before and after.

    Half a photo is added to each of the four cells, so that no change among few photos is not taken for certainty
    (Agresti and Min, Statistics in Medicine 24, 2005, https://doi.org/10.1002/sim.1781).

    Args:
        lost: photos that were right and no longer are.
        gained: photos that were not right and now are.
        n: all photos, at least 1.

    Returns:
        (low, high) in [-1, 1], of `(gained - lost) / n`.
    """
    total = n + 2
    middle = (gained - lost) / total
    half = Z95 * math.sqrt(((lost + gained + 1) / total - middle**2) / total)
    return max(-1.0, middle - half), min(1.0, middle + half)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
