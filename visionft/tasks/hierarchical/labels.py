"""Labels that are nodes of a taxonomy: paths such as `Fruit/Apple`, of leaves or of what lies above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from visionft.classes import Classes
from visionft.data.class_names import ClassNames
from visionft.data.dataset_errors import gap_notes, refuse_one_class, refuse_unknown, refuse_untrained
from visionft.data.odd_classes import odd_notes, refuse_unprintable
from visionft.data.sources.listing import Listing
from visionft.data.sources.merged_class_paths import fold
from visionft.data.sources.structure.picture import picture
from visionft.data.splits import SPLITS
from visionft.data.splitting.draw import draw
from visionft.errors import DataError
from visionft.photos import printable
from visionft.settings import DataSettings
from visionft.tasks.hierarchical.spec import SPEC
from visionft.tasks.hierarchical.taxonomy_tree import BETWEEN, Tree, with_ancestors
from visionft.wording.lists import count, some


class NodeLabels(ClassNames):
    """Paths become indices of nodes; every leaf is to be learnt from and, if it can be, measured."""

    bounded: bool = True

    def read(self, photos: Path, listing: Listing, known: Sequence[str] | None) -> Listing:
        """Refuse names that are no paths, and say which are odd; a run's nodes may go by their last level."""
        labels = listing.table["label"].unique().to_pylist()
        refuse_unprintable(photos, labels)
        _refuse_empty_levels(photos, labels)
        if known is not None:
            return _resolved(listing, known)
        _refuse_blanks(photos, labels)
        return listing.noting(*odd_notes(self.place(listing), with_ancestors(labels), nested=True))

    def fold(self, listing: Listing, known: Sequence[str] | None) -> Listing:
        """Rename labels that are known ones but for levels in between; known: none, those of a given train split."""
        if known is None:
            is_train = pc.fill_null(pc.equal(listing.table["split"], "train"), False)
            known = listing.table["label"].filter(is_train).unique().to_pylist()
        table, notes = fold(listing.table, with_ancestors(known))
        return replace(listing, table=table).noting(*notes)

    def require_early(self, photos: Path, listing: Listing, settings: DataSettings) -> None:  # noqa: ARG002
        """Refuse a single class or leaf, a taxonomy of one level, and a leaf without training photos."""
        refuse_one_class(photos, listing.table)
        names = listing.table["label"].unique().to_pylist()
        if not any(BETWEEN in name for name in names):
            told = f"{count(len(names), 'class', 'classes')} side by side ({some(map(repr, sorted(names)), 3)})"
            raise DataError(
                f"{photos} has {told}, and the task {SPEC.name} learns a taxonomy: give paths such as Fruit/Apple, "
                "nested class folders, or a CSV of child,parent with --data.taxonomy"
            )
        _refuse_one_leaf(photos, names)
        if listing.table["split"].null_count < listing.table.num_rows:
            refuse_untrained(photos, _of_leaves(listing.table))

    def require_split(self, photos: Path, table: pa.Table) -> None:
        """Refuse a single class or leaf, and a leaf without training photos."""
        refuse_one_class(photos, table)
        _refuse_one_leaf(photos, table["label"].unique().to_pylist())
        refuse_untrained(photos, _of_leaves(table))

    def require_known(self, photos: Path, table: pa.Table, classes: Classes) -> None:
        """Refuse a node that a run does not know."""
        refuse_unknown(photos, sorted(table["label"].unique().to_pylist()), classes.names)

    def draw(self, table: pa.Table, validation: float, test: float, earlier: pa.Table | None) -> pa.ChunkedArray:
        """Draw sides by hashes: every split should have photos of every label."""
        return draw(table, validation, test, earlier)

    def classes(self, table: pa.Table) -> Classes:
        """Return all nodes: those that are labels, and those above them."""
        return Classes.of(with_ancestors(table["label"].unique().to_pylist()))

    def measured(self, table: pa.Table, known: Classes) -> Classes:  # noqa: ARG002
        """Return those that the run knows."""
        return known

    def gaps(self, table: pa.Table, classes: Classes) -> list[str]:
        """Name the leaves that a split lacks."""
        return gap_notes(table, Tree(classes.names).leaf_names)

    def kinds(self, table: pa.Table) -> str:
        """Count leaves and levels."""
        return _kinds(Tree(self.classes(table).names))

    def picture(self, table: pa.Table, classes: Classes) -> list[str]:
        """Show labels by splits, how large the tree is, and how many photos are labelled above a leaf."""
        named, counts = set(table["label"].unique().to_pylist()), self.counts(table, classes)
        shown = {split: {name: n for name, n in counts[split].items() if name in named} for split in SPLITS}
        tree = Tree(classes.names)
        coarse = table.num_rows - _of_leaves(table).num_rows
        above = f"; {count(coarse, 'photo')} labelled above a leaf" if coarse else ""
        return [*picture(shown), f"taxonomy: {_kinds(tree)}, {count(len(tree), 'node')}{above}"]


def _kinds(tree: Tree) -> str:
    return f"{count(len(tree.leaves), 'leaf', 'leaves')} in {count(tree.levels, 'level')}"


def _of_leaves(table: pa.Table) -> pa.Table:
    """Return the rows whose labels have nothing below them."""
    leaves = Tree(sorted(with_ancestors(table["label"].unique().to_pylist()))).leaf_names
    return table.filter(pc.is_in(table["label"], value_set=pa.array(leaves, pa.string())))


def _refuse_one_leaf(photos: Path, names: Sequence[str]) -> None:
    leaves = Tree(sorted(with_ancestors(names))).leaf_names
    if len(leaves) < 2:
        raise DataError(
            f"{photos} has a taxonomy with one leaf alone, {leaves[0]!r}, of which every photo would be: give photos "
            "of at least two to tell apart"
        )


def _refuse_blanks(photos: Path, labels: Sequence[str]) -> None:
    """Refuse `Fruit / Apple`, which would lie below another node than `Fruit`."""
    odd = sorted(label for label in labels if any(level != level.strip() for level in label.split(BETWEEN)))
    if odd:
        meant = BETWEEN.join(level.strip() for level in odd[0].split(BETWEEN))
        raise DataError(
            f"{photos} has the label {printable(odd[0])!r}, with a blank at the end of a level, which makes it another "
            f"one: write {printable(meant)!r}"
        )


def _refuse_empty_levels(photos: Path, labels: Sequence[str]) -> None:
    odd = sorted(label for label in labels if any(not level.strip() for level in label.split(BETWEEN)))
    if odd:
        raise DataError(
            f"{photos} has the label {printable(odd[0])!r}, with nothing beside one of its {BETWEEN!r}: write the "
            "levels of a path between them, as in Fruit/Apple"
        )


def _resolved(listing: Listing, known: Sequence[str]) -> Listing:
    """Give a label that no node has, and that one node alone ends in, the path of that node."""
    ending: dict[str, list[str]] = {}
    for name in known:
        ending.setdefault(name.rpartition(BETWEEN)[2], []).append(name)
    labels = set(listing.table["label"].unique().to_pylist()) - set(known)
    paths = {label: ending[label][0] for label in labels if len(ending.get(label, ())) == 1}
    if not paths:
        return listing
    place = pc.index_in(listing.table["label"], value_set=pa.array(list(paths), pa.string()))
    found = pa.array(list(paths.values()), pa.string()).take(place.combine_chunks())
    column = pc.coalesce(found, listing.table["label"].combine_chunks())
    table = listing.table.set_column(listing.table.column_names.index("label"), "label", column)
    told = some(f"{label} as {paths[label]}" for label in sorted(paths))
    return replace(listing, table=table).noting(f"labels are read by their last level: {told}")


LABELS = NodeLabels()
