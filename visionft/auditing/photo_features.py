"""One pass over the photos: figures, hashes and embeddings of each, kept by its digest between audits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.auditing.measures import Measures, file_kind, measure
from visionft.auditing.photo_parts import Parts, normalised, part_keys
from visionft.auditing.record_file import RecordFile, places
from visionft.auditing.seams import Box, cropped, parts_of
from visionft.backbones import Network, forward_context, preprocess
from visionft.data.caches import cache_folder
from visionft.errors import DataError, PhotoError
from visionft.machine.arithmetic import full_precision
from visionft.machine.cores import cores
from visionft.machine.devices import pick_device
from visionft.photos import TABLE, contents, decode
from visionft.preprocess import Preprocess
from visionft.settings import PreprocessSettings

Progress = Callable[[int, int], None]

FOLDER = "audits"
BATCH = 32
MODES = ("", "L", "LA", "1", "I;16", "I", "F", "P", "RGB", "RGBA", "CMYK", "YCbCr")
FORMATS = ("", "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "MPO", "HEIF", "JPEG2000")
_FIGURES = ("low", "high", "mean", "contrast", "sharpness")
_FORMAT = 3  # counted up whenever the same photo gets other figures


@dataclass(frozen=True, eq=False)
class Features:
    """What is known of photos, one row each, in the order that they were asked for.

    Attributes:
        records: every record of the file, mapped into memory.
        rows: (n,) the record of each photo.
        part_records: every record of parts of photos, mapped into memory; none: no parts are known.
    """

    records: NDArray[Any]
    rows: NDArray[np.int64]
    part_records: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> NDArray[Any]:
        """Return one figure (n,) of all photos."""
        return np.asarray(self.records[name][self.rows])

    def embeddings(self, chosen: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float32]:
        """Return the embeddings (m, D) of chosen photos, L2-normalised."""
        return normalised(self.records["embedding"][self.rows[chosen]])

    def parts(self, chosen: NDArray[np.int64]) -> Parts:
        """Return the parts that seams cut chosen photos into."""
        if self.part_records is None or not len(self.part_records):
            nothing = np.empty(0, np.int64)
            return Parts(nothing, np.empty(0, np.uint64), np.empty(0), nothing)
        numbers = self.records["parts"][self.rows[chosen]].astype(np.int64)
        keys = part_keys(self.records["key"][self.rows[chosen]], numbers)
        return Parts(np.repeat(chosen, numbers), keys, self.part_records, places(self.part_records, keys))


def compute(
    network: Network,
    root: Path,
    paths: Sequence[str],
    digests: Sequence[str],
    on_progress: Progress | None = None,
    transform: Preprocess | None = None,
) -> Features:
    """Return the features of photos, computing those that no earlier audit has kept; an interrupted pass goes on.

    Memory is that of one batch and of the columns that are looked at: embeddings stay in the file (float16).

    Args:
        network: the frozen backbone.
        root: folder that paths are relative to.
        paths: of the photos.
        digests: SHA-256 of each, hexadecimal.
        on_progress: called with (photos done, photos in all).
        transform: how a photo becomes the network's input; none: that of the weights.

    Raises:
        DataError: a photo is gone, or broke since it was checked.
    """
    transform = transform or preprocess(network, PreprocessSettings())
    file, parts = _files(network, transform)
    keys = keys_of(digests)
    known = _known(file.read(), parts.read(), keys)
    _, first = np.unique(keys, return_index=True)
    todo = [int(at) for at in first if known[at] < 0]
    done = len(paths) - len(todo)
    if on_progress:
        on_progress(done, len(paths))
    for chosen, records, cut in _computed(network, transform, (file, parts), root, paths, todo):
        records["key"] = keys[chosen]
        cut["key"] = part_keys(keys[chosen], records["parts"].astype(np.int64))
        parts.add(cut)  # first: a photo counts as known once its record is there
        file.add(records)
        done += len(chosen)
        if on_progress:
            on_progress(done, len(paths))
    records = file.read()
    return Features(records, places(records, keys), parts.read())


def _known(records: NDArray[Any], parts: NDArray[Any], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the record (n,) of each photo, -1 where it or that of one of its parts is not there or damaged."""
    known = places(records, keys)
    there = np.flatnonzero(known >= 0)
    if len(there):
        numbers = records["parts"][known[there]].astype(np.int64)
        lost = places(parts, part_keys(keys[there], numbers)) < 0
        known[np.repeat(there, numbers)[lost]] = -1
    return known


def keys_of(digests: Sequence[str]) -> NDArray[np.uint64]:
    """Return the first 64 bits (n,) of hexadecimal digests."""
    return np.array([int(digest[:16], 16) for digest in digests], np.uint64)


def _files(network: Network, transform: Preprocess) -> tuple[RecordFile, RecordFile]:
    """Return the file of photos and that of their parts."""
    weights = hashlib.sha256()
    for name, tensor in sorted(network.backbone.state_dict().items()):
        weights.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    about = {"format": _FORMAT, "decoder": TABLE, "backbone": network.name, "transform": transform.to_json()}
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode() + weights.digest()).hexdigest()[:32]
    dtype: list[tuple[Any, ...]] = [("key", "<u8"), ("phash", "<u8"), ("mirrored", "<u8")]
    dtype += [("width", "<u4"), ("height", "<u4"), ("mode", "u1"), ("kind", "u1"), ("colourless", "?")]
    dtype += [("parts", "u1"), *((name, "<f4") for name in _FIGURES)]
    embedding = ("embedding", "<f2", (network.features,))
    place = cache_folder.root() / FOLDER
    of_parts = RecordFile(place / f"{name}.parts", [("key", "<u8"), ("box", "<f4", (4,)), embedding])
    return RecordFile(place / f"{name}.photos", [*dtype, embedding]), of_parts


def _computed(
    network: Network,
    transform: Preprocess,
    files: tuple[RecordFile, RecordFile],
    root: Path,
    paths: Sequence[str],
    todo: Sequence[int],
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]]:
    if not todo:
        return
    device = pick_device("auto")
    batches = [todo[start : start + BATCH] for start in range(0, len(todo), BATCH)]
    with (
        ThreadPoolExecutor(cores()) as pool,
        full_precision(),
        forward_context(network.to(device), transform, device=device, want=("features",)) as forward,
    ):

        def embedded(inputs: Sequence[NDArray[np.uint8]]) -> NDArray[Any]:
            found = forward(torch.from_numpy(np.stack(inputs)))["features"]
            scale = np.abs(found).max(axis=1, keepdims=True)  # float16 ends at 65,504; lengths are not kept
            return np.asarray(found / np.maximum(scale, 1e-12))

        for batch in batches:
            opened = list(pool.map(lambda at: _opened(root / paths[at], transform), batch))
            records, boxes = files[0].empty(len(batch)), [box for photo in opened for box in photo.boxes]
            for row, photo in enumerate(opened):
                _put(records[row : row + 1], photo)
            records["embedding"] = embedded([photo.input for photo in opened])
            parts, inputs = files[1].empty(len(boxes)), [each for photo in opened for each in photo.cut]
            for start in range(0, len(boxes), BATCH):
                parts["embedding"][start : start + BATCH] = embedded(inputs[start : start + BATCH])
            parts["box"] = np.array(boxes, np.float32).reshape(-1, 4)
            yield np.array(batch, np.int64), records, parts


def _put(record: NDArray[Any], photo: _Opened) -> None:
    for name, value in asdict(photo.measures).items():
        record[name] = value
    record["kind"], record["mode"] = _code(FORMATS, photo.kind[0]), _code(MODES, photo.kind[1])
    record["parts"] = len(photo.boxes)


def _code(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else 0


@dataclass(frozen=True, eq=False)
class _Opened:
    """A photo as the network takes it, its figures, its format and mode, and its parts with theirs."""

    input: NDArray[np.uint8]
    measures: Measures
    kind: tuple[str, str]
    boxes: list[Box]
    cut: list[NDArray[np.uint8]]


def _opened(path: Path, transform: Preprocess) -> _Opened:
    try:
        data = contents(path)
        pixels = decode(data, max_pixels=1 << 62)  # the limit of the settings was kept at the check
    except PhotoError as error:
        raise DataError(f"{path} cannot be read any more ({error.reason}): audit the photos again") from error
    boxes = parts_of(pixels)
    cut = [transform.pixels(np.ascontiguousarray(cropped(pixels, box))) for box in boxes]
    return _Opened(transform.pixels(pixels), measure(pixels), file_kind(data), boxes, cut)
