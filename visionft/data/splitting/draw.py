"""Draw sides: which photos are trained on, which are chosen by, which are measured on.

The rules, each giving way to those above it:

1. Photos of one product (group) and byte-for-byte duplicates stay together: they are one *piece*. A duplicate that
   lies in two products makes one piece of both.
2. A piece keeps its side when photos are added, because its side is a pure function of a hash: of the product's name,
   or of the bytes of a photo without one; of several names in one piece the smallest hash decides. What can move a
   photo all the same: a new duplicate that ties its product to another, or gives it one; and rule 4, when its class
   grows. A splits.csv (rule 5) holds it even then.
3. The hash, uniform in [0, 1), is below `validation`, or at least 1 - `test`, or between (train): proportions hold up
   to binomial noise.
4. A class without a training photo takes its highest hash for training; one without a validation photo takes its lowest
   hash for validation, unless that would leave a class without a training photo; one without a test photo takes its
   highest hash for test, unless that would leave a class without a training or a validation photo.
   Where whole classes are drawn, two of them are trained on at least.
5. A splits.csv of an earlier run decides before rules 3 and 4: its photos (by content) and its products keep their
   sides. Where it has one piece on several sides, the piece is held out: test before validation before train.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.data.sources.listing import CHUNK
from visionft.data.splits import SPLITS
from visionft.data.splitting.minimum_per_class import Pieces, stand_in

TRAIN, VALIDATION, TEST = range(3)
"""Codes of the sides, in the order of `SPLITS`."""
LOOSE = np.uint64(1 << 63)
"""Bit of a key that says: no product in this piece. Set, it is larger than every product's key."""

Keys = NDArray[np.uint64]
Sides = NDArray[np.int8]


def draw(
    table: pa.Table, validation: float, test: float, earlier: pa.Table | None = None, trained: int = 1
) -> pa.ChunkedArray:
    """Draw a side for every photo by the rules above.

    Args:
        table: Columns label, group (nullable) and digest of n photos.
        validation: Share in [0, 1) that is held out to choose by.
        test: Share in [0, 1) that is held out to measure on; validation + test < 1.
        earlier: The splits.csv of an earlier run, whose sides win.
        trained: Pieces that every class has in training at least, where it has so many.

    Returns:
        (n,) strings: train, validation or test.
    """
    keys = piece_keys(table)
    distinct, piece = np.unique(keys, return_inverse=True)
    sides = _by_hash(distinct, validation, test)
    fixed = np.zeros(len(distinct), bool)
    if earlier is not None:
        known = _of_pieces(earlier_sides(table, earlier), piece, len(distinct))
        fixed = known >= 0
        sides = np.where(fixed, known, sides).astype(np.int8)
    labels = table["label"].combine_chunks().dictionary_encode()
    order = np.argsort(pc.array_sort_indices(labels.dictionary).to_numpy())
    classes = order[labels.indices.to_numpy()]
    sides = stand_in(Pieces(piece, classes, distinct, fixed), sides, test=test > 0, trained=trained)
    return pa.chunked_array([pa.array(SPLITS, pa.string()).take(pa.array(sides[piece]))])


def draw_classes(table: pa.Table, validation: float, test: float, earlier: pa.Table | None = None) -> pa.ChunkedArray:
    """Draw a side for every class, and so for its photos: as `draw`, but that two classes at least are trained on."""
    earlier = None if earlier is None else whole_classes(earlier)
    return draw(whole_classes(table), validation, test, earlier, trained=2)


def whole_classes(table: pa.Table) -> pa.Table:
    """Return photos of which those of one class are one product, and all are of one class: sides are then drawn for it.

    Args:
        table: Columns label and group, among others.
    """
    named = table.set_column(table.column_names.index("group"), "group", table["label"])
    one = pa.chunked_array([pa.repeat("photos", table.num_rows)])
    return named.set_column(named.column_names.index("label"), "label", one)


def torn_classes(table: pa.Table, earlier: pa.Table) -> list[str]:
    """Return the classes, in order, of which an earlier run had photos in several splits: by its names or by content.

    Args:
        table: Columns label and digest, among others.
        earlier: The splits.csv of the earlier run.
    """
    named = earlier.filter(pc.is_in(earlier["label"], value_set=table["label"].unique())).select(["label", "split"])
    group = pa.chunked_array([pa.nulls(earlier.num_rows, pa.string())])
    sides = earlier_sides(table, earlier.set_column(earlier.column_names.index("group"), "group", group))
    known = sides >= 0
    splits = pa.array(SPLITS, pa.string()).take(pa.array(sides[known]))
    labels = table["label"].filter(pa.array(known)).cast(pa.string())
    pairs = pa.concat_tables([named, pa.table({"label": labels, "split": splits}).cast(named.schema)])
    counted = pairs.group_by("label").aggregate([("split", "count_distinct")])
    return sorted(counted["label"].filter(pc.greater(counted["split_count_distinct"], 1)).to_pylist())


def piece_keys(table: pa.Table) -> Keys:
    """Return the key (n,) of every photo's piece: equal keys are one piece, and bits 0 to 62 are its uniform hash."""
    bits = leading_bits(table["digest"])
    of_digest = np.unique(bits, return_inverse=True)[1]
    keys = (bits >> np.uint64(1)) | LOOSE
    groups = table["group"].combine_chunks().dictionary_encode()
    grouped = np.flatnonzero(pc.is_valid(table["group"]).to_numpy())
    of_group = groups.indices.drop_null().to_numpy()
    if len(grouped):
        keys[grouped] = (_hashes(groups.dictionary) >> np.uint64(1))[of_group]
    while True:  # the smallest key spreads through products and duplicates; two or three rounds, as chains are short
        before = keys.copy()
        keys = _smallest(keys, of_digest)
        keys[grouped] = _smallest(keys[grouped], of_group)
        if np.array_equal(before, keys):
            return keys


def earlier_sides(table: pa.Table, earlier: pa.Table) -> Sides:
    """Return the side (n,) that an earlier run gave to each photo or to its product, -1 where it knew neither."""
    order = pa.array(SPLITS, pa.string())
    then = pc.index_in(earlier["split"], value_set=order).to_numpy().astype(np.int8)
    sides = np.full(table.num_rows, -1, np.int8)
    for name in ("group", "digest"):
        valid = pc.is_valid(earlier[name])
        known = earlier[name].filter(valid).combine_chunks().dictionary_encode()
        if not len(known):
            continue
        held = np.full(len(known.dictionary), -1, np.int8)
        np.maximum.at(held, known.indices.to_numpy(), then[valid.to_numpy()])
        place = pc.fill_null(pc.index_in(table[name], value_set=known.dictionary), -1).to_numpy()
        sides = np.maximum(sides, np.where((place >= 0) & pc.is_valid(table[name]).to_numpy(), held[place], -1))
    return sides.astype(np.int8)


def _by_hash(keys: Keys, validation: float, test: float) -> Sides:
    uniform = (keys & ~LOOSE) / float(1 << 63)
    return np.where(uniform < validation, VALIDATION, np.where(uniform >= 1 - test, TEST, TRAIN)).astype(np.int8)


def _of_pieces(sides: Sides, piece: NDArray[np.intp], pieces: int) -> Sides:
    largest = np.full(pieces, -1, np.int8)
    np.maximum.at(largest, piece, sides)
    return largest


def _smallest(keys: Keys, codes: NDArray[np.int32] | NDArray[np.intp]) -> Keys:
    smallest = np.full(codes.max(initial=-1) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, codes, keys)
    return smallest[codes]


def leading_bits(digests: pa.ChunkedArray) -> Keys:
    """Return the first 64 bits (n,) of hexadecimal digests; of a million photos no two share them by chance."""
    parts = [digests.slice(start, CHUNK) for start in range(0, len(digests), CHUNK)]
    texts = ("".join(pc.utf8_slice_codeunits(part, 0, 16).to_pylist()) for part in parts)
    parts_of_bits = [np.frombuffer(bytes.fromhex(text), ">u8").astype(np.uint64) for text in texts]
    bits: Keys = np.concatenate([np.empty(0, np.uint64), *parts_of_bits])
    return bits


def _hashes(names: pa.StringArray) -> Keys:
    """Return the first 64 bits (n,) of the names' SHA-256."""
    digests = (hashlib.sha256(name.as_py().encode()).digest()[:8] for name in names)
    return np.fromiter((int.from_bytes(digest, "big") for digest in digests), np.uint64, len(names))
