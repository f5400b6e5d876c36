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
from visionft.auditing.record_file import RecordFile, places
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
_FORMAT = 2  # counted up whenever the same photo gets other figures


@dataclass(frozen=True, eq=False)
class Features:
    """What is known of photos, one row each, in the order that they were asked for.

    Attributes:
        records: every record of the file, mapped into memory.
        rows: (n,) the record of each photo.
    """

    records: NDArray[Any]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> NDArray[Any]:
        """Return one figure (n,) of all photos."""
        return np.asarray(self.records[name][self.rows])

    def embeddings(self, chosen: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float32]:
        """Return the embeddings (m, D) of chosen photos, L2-normalised."""
        raw = np.asarray(self.records["embedding"][self.rows[chosen]], np.float32)
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        return np.asarray(raw / np.maximum(lengths, 1e-12), np.float32)


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
    file = _file(network, transform)
    keys = keys_of(digests)
    known = places(file.read(), keys)
    _, first = np.unique(keys, return_index=True)
    todo = [int(at) for at in first if known[at] < 0]
    done = len(paths) - len(todo)
    if on_progress:
        on_progress(done, len(paths))
    for chosen, records in _computed(network, transform, file, root, paths, todo):
        records["key"] = keys[chosen]
        file.add(records)
        done += len(chosen)
        if on_progress:
            on_progress(done, len(paths))
    records = file.read()
    return Features(records, places(records, keys))


def keys_of(digests: Sequence[str]) -> NDArray[np.uint64]:
    """Return the first 64 bits (n,) of hexadecimal digests."""
    return np.array([int(digest[:16], 16) for digest in digests], np.uint64)


def _file(network: Network, transform: Preprocess) -> RecordFile:
    weights = hashlib.sha256()
    for name, tensor in sorted(network.backbone.state_dict().items()):
        weights.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    about = {"format": _FORMAT, "decoder": TABLE, "backbone": network.name, "transform": transform.to_json()}
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode() + weights.digest()).hexdigest()[:32]
    dtype: list[tuple[Any, ...]] = [("key", "<u8"), ("phash", "<u8"), ("mirrored", "<u8")]
    dtype += [("width", "<u4"), ("height", "<u4"), ("mode", "u1"), ("kind", "u1"), ("colourless", "?")]
    dtype += [(name, "<f4") for name in _FIGURES]
    dtype += [("embedding", "<f2", (network.features,))]
    return RecordFile(cache_folder.root() / FOLDER / f"{name}.photos", dtype)


def _computed(
    network: Network, transform: Preprocess, file: RecordFile, root: Path, paths: Sequence[str], todo: Sequence[int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    if not todo:
        return
    device = pick_device("auto")
    batches = [todo[start : start + BATCH] for start in range(0, len(todo), BATCH)]
    with (
        ThreadPoolExecutor(cores()) as pool,
        full_precision(),
        forward_context(network.to(device), transform, device=device, want=("features",)) as forward,
    ):
        for batch in batches:
            opened = list(pool.map(lambda at: _opened(root / paths[at], transform), batch))
            found = forward(torch.from_numpy(np.stack([pixels for pixels, _, _ in opened])))["features"]
            records = file.empty(len(batch))
            for row, (_, measures, kind) in enumerate(opened):
                _put(records[row : row + 1], measures, kind)
            scale = np.abs(found).max(axis=1, keepdims=True)  # float16 ends at 65,504; lengths are not kept
            records["embedding"] = found / np.maximum(scale, 1e-12)
            yield np.array(batch, np.int64), records


def _put(record: NDArray[Any], measures: Measures, kind: tuple[str, str]) -> None:
    for name, value in asdict(measures).items():
        record[name] = value
    record["kind"], record["mode"] = _code(FORMATS, kind[0]), _code(MODES, kind[1])


def _code(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else 0


def _opened(path: Path, transform: Preprocess) -> tuple[NDArray[np.uint8], Measures, tuple[str, str]]:
    try:
        data = contents(path)
        pixels = decode(data, max_pixels=1 << 62)  # the limit of the settings was kept at the check
    except PhotoError as error:
        raise DataError(f"{path} cannot be read any more ({error.reason}): audit the photos again") from error
    return transform.pixels(pixels), measure(pixels), file_kind(data)
