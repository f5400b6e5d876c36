"""Named tensors from a file, told by what it holds and not by its name; Python objects in it are never run."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file as load_safetensors
from torch import Tensor

from visionft.errors import WeightsError

INDEX_SUFFIX = ".index.json"
SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.\w+)$")
TORCH = (b"PK\x03\x04", b"\x80")  # an archive, or the pickle that torch wrote before 1.6
HEADER_BYTES = 8  # a safetensors file begins with the length of its header, little-endian
HEADER_MOST = 100_000_000  # safetensors' own bound
DEEPEST = 16  # of mappings within mappings
WRITERS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
"""Names that torch puts into the middle of others' when parts of a network are compiled, sharded or checkpointed."""

FOREIGN = {
    b"\x89HDF": "an HDF5 file, as Keras writes it",
    b"\x93NUMPY": "an array of numpy",
    b"GGUF": "a GGUF file, which holds a language model",
    b"version https://git-lfs": "a pointer of Git LFS, which stands for a file that was not fetched (`git lfs pull`)",
    b"<": "a page of the web or XML, as a failed download leaves it",
    b"\x1f\x8b": "a gzip archive",
    b"{": "JSON without a `weight_map`",
}
HARMLESS = (
    *(f"pathlib{part}.{name}" for part in ("", "._local") for name in ("PosixPath", "WindowsPath", "PurePosixPath")),
    *("pathlib.PureWindowsPath", "pathlib._local.PureWindowsPath", "argparse.Namespace", "numpy.dtype"),
    *("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"),
)
"""What trainers save beside the tensors; older files cannot be searched for what they hold."""

Container = tuple[str, dict[str, Tensor]]
"""The keys that lead to a mapping of tensors, with dots between and at the end, and its tensors."""


class Inert:
    """Takes the place of every pickled Python object: it is made, and does nothing with what it is given."""

    def __new__(cls, *_: object, **__: object) -> Inert:
        """Take anything."""
        return object.__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        """Keep nothing."""

    def __setstate__(self, _: object) -> None:
        """Keep nothing."""


def read_containers(path: Path) -> list[Container]:
    """Read every mapping of tensors in a safetensors or torch file, or in the shards that an index names.

    Raises:
        WeightsError: the file is missing, damaged, of another kind, or holds no named tensors.
    """
    require_file(path)
    try:
        beginning = _beginning(path)
        size = path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    if _is_safetensors(beginning, size):
        found = _tensors_of(path, lambda: load_safetensors(path))
    elif beginning.startswith(b"{") and (shards := _shards(path)) is not None:
        return [("", shards)]
    else:
        _refuse_foreign(path, beginning)
        found = _tensors_of(path, lambda: _load_torch(path))
    containers = list(_containers(found))
    if not containers:
        raise WeightsError(f"{path} holds no tensors; give a file with a state_dict")
    return containers


def _containers(node: Any, keys: str = "", depth: int = 0) -> Iterator[Container]:
    if not isinstance(node, Mapping) or depth > DEEPEST:
        return
    tensors = {_plain(str(name)): value for name, value in node.items() if isinstance(value, Tensor)}
    if tensors:
        yield keys, tensors
    for name, value in node.items():
        yield from _containers(value, f"{keys}{name}.", depth + 1)


def _plain(name: str) -> str:
    for infix in WRITERS:
        name = name.replace(infix, "")
    return name


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(32)


def _is_safetensors(beginning: bytes, size: int) -> bool:
    length = int.from_bytes(beginning[:HEADER_BYTES], "little")
    return beginning[HEADER_BYTES : HEADER_BYTES + 1] == b"{" and length <= min(HEADER_MOST, size)


def _load_torch(path: Path) -> Any:
    """Load without pickle's code: every object but tensors and plain values becomes an `Inert`."""
    names = set(HARMLESS)
    with path.open("rb") as file:  # torch would go by the name of a path
        with suppress(ValueError):  # an older file, which is no archive
            names |= set(torch.serialization.get_unsafe_globals_in_checkpoint(file))
        file.seek(0)
        stand_ins: list[Any] = [(Inert, name) for name in sorted(names)]
        with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals(stand_ins):
            return torch.load(file, map_location="cpu", weights_only=True)


def _tensors_of(path: Path, load: Callable[[], Any]) -> Mapping[Any, Any]:
    try:
        found = load()
    except Exception as error:  # a file of anything makes torch fail in any way
        words = str(error)
        if "TorchScript" in words:
            raise WeightsError(
                f"{path} is a TorchScript archive, which is a program; save the state_dict() of its model instead"
            ) from error
        if "weights_only" in words:
            raise WeightsError(
                f"{path} is damaged or holds pickled objects, which are not run; save its state_dict() as safetensors"
            ) from error
        raise _unreadable(path, error) from error
    if isinstance(found, Inert):
        raise WeightsError(
            f"{path} holds a pickled Python object, which is not run; save its state_dict() as safetensors"
        )
    if not isinstance(found, Mapping):
        raise WeightsError(
            f"{path} cannot be read as weights (it holds a {type(found).__name__}, not tensors by name); save a "
            "state_dict() instead"
        )
    return found


def _refuse_foreign(path: Path, beginning: bytes) -> None:
    for magic, what in FOREIGN.items():
        if beginning.lower().startswith(magic.lower()):
            raise WeightsError(f"{path} is {what}, not weights; give a safetensors or torch file")
    if not beginning.startswith(TORCH):
        kind = "it is neither a safetensors nor a torch file" if beginning else "it is empty"
        raise WeightsError(f"{path} cannot be read as weights ({kind}); fetch or save it again")


def _shards(path: Path) -> dict[str, Tensor] | None:
    """Read all that an index names; none: this JSON is no index."""
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        places = index["weight_map"]
        names = sorted({str(name) for name in places.values()})
    except (OSError, ValueError, RecursionError, TypeError, AttributeError, KeyError):
        return None
    tensors: dict[str, Tensor] = {}
    for name in names:
        if Path(name).name != name or name.endswith(".json"):
            raise WeightsError(f"{path} names {name!r} as a shard; give an index that names files of weights beside it")
        if not (path.parent / name).is_file():
            raise WeightsError(f"{path} names the shard {name}, which is not there; fetch it into {path.parent}")
        for _, found in read_containers(path.parent / name):
            tensors |= found
    if lost := sorted(places.keys() - tensors.keys()):
        raise WeightsError(f"{path} names tensors that its shards lack ({lost[0]}); fetch the shards again")
    return tensors


def shard_of(path: Path) -> str | None:
    """Return in words what a file's name says of being a part of a whole; none: it is no part."""
    part = SHARD.match(path.name)
    if part is None or int(part[3]) < 2:
        return None
    stem, suffix = part[1], part[4]
    return f"it is part {int(part[2])} of {int(part[3])}: give {stem}{suffix}{INDEX_SUFFIX}, which names them all"


def require_file(path: Path) -> None:
    """Raise WeightsError where there is no file."""
    if not path.is_file():
        inside = f", which is a folder{_inside(path)}" if path.is_dir() else ""
        raise WeightsError(
            f"there is no file of weights at {path}{inside}; give a safetensors or torch file with --weights"
        )


def _inside(folder: Path) -> str:
    """Return the one file in a folder that can be meant."""
    try:
        found = sorted(file.name for file in folder.iterdir() if file.name.endswith((".safetensors", INDEX_SUFFIX)))
    except OSError:
        return ""
    index = [name for name in found if name.endswith(INDEX_SUFFIX)]
    meant = index or found
    return f" with {meant[0]} in it" if len(meant) == 1 else ""


def _unreadable(path: Path, error: Exception) -> WeightsError:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return WeightsError(f"{path} cannot be read as weights ({reason}); fetch or save it again")
