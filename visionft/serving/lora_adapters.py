"""Adapters of a bundle, checked against its base and loaded: one session answers through each of them.

onnxruntime says nothing where an adapter lacks a tensor (the base's stands in), where two active ones share a name (the
first wins), where its object is gone while run options still name it, and where I/O binding is used (both: the base
answers). So every file has exactly the base's tensors, a run has one adapter, held beside its options, and its outputs
are looked at; the base alone answers not-a-number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.classes import Classes
from visionft.errors import BundleError

SHOWN = 3
BASE_DIGITS = 7
"""Hexadecimal digits of the base's digest in an adapter file, whose number for its model is a positive int32."""


@dataclass(frozen=True, eq=False)
class LoadedAdapter:
    """An adapter with the options of a run that apply it, held together: options alone do not keep it alive.

    Attributes:
        classes: its classes.
        adapter: onnxruntime's object over the file.
        options: of every run through it; threads may share them.
    """

    classes: Classes
    adapter: ort.LoraAdapter
    options: ort.RunOptions

    def run(self, session: ort.InferenceSession, feed: Mapping[str, NDArray[Any]]) -> list[Any]:
        """Return the outputs in the order of `names.OUTPUTS`, with the label looked up: (N,), (N, C) or (N, D) each.

        Raises:
            BundleError: onnxruntime ran the base without the adapter.
        """
        outputs = dict(zip(n.ADAPTED_OUTPUTS, session.run(n.ADAPTED_OUTPUTS, feed, self.options), strict=True))
        probabilities = outputs[n.PROBABILITIES]
        if probabilities.shape[1] != len(self.classes) or np.isnan(probabilities).any():
            raise BundleError(
                f"onnxruntime {ort.__version__} answered {probabilities.shape[1]} classes through an adapter of "
                f"{len(self.classes)}, or not-a-number: update it, or export the runs one by one"
            )
        return [[self.classes[int(i)] for i in outputs[n.CLASS_INDEX]], *outputs.values()]


def load_adapters(bundle: Bundle, session: ort.InferenceSession) -> dict[str, LoadedAdapter]:
    """Check and load every adapter of a bundle.

    Raises:
        BundleError: a file is no adapter, or not one for this base.
    """
    wanted = {value.name: value for value in session.get_overridable_initializers()}
    base = base_number(bundle.record.model.sha256)
    loaded = {}
    for name in bundle.adapters:
        file, classes = bundle.adapter_file(name), bundle.chosen(name).classes
        _check(file, wanted, base, len(classes))
        loaded[name] = _load(file, classes)
    return loaded


def base_number(sha256: str) -> int:
    """Return what an adapter file holds as the version of its model: the start of the base's digest."""
    return int(sha256[:BASE_DIGITS], 16)


def _load(file: Path, classes: Classes) -> LoadedAdapter:
    adapter, options = ort.LoraAdapter(), ort.RunOptions()
    adapter.Load(str(file))
    options.add_active_adapter(adapter)
    return LoadedAdapter(classes, adapter, options)


def _check(file: Path, wanted: Mapping[str, Any], base: int, classes: int) -> None:
    try:
        content = ort.AdapterFormat.read_adapter(str(file))
        found = content.get_parameters()
    except Exception as error:  # onnxruntime raises a dozen types without a common ancestor
        reason = str(error).splitlines()[0]
        raise BundleError(
            f"{file} cannot be read as an adapter ({reason}): copy the bundle again or export it again"
        ) from error
    if content.get_model_version() != base:
        raise BundleError(f"{file} was made for another base than this bundle's model.onnx: export them together")
    faults = [*_names(set(found), set(wanted)), *_shapes(found, wanted, {n.CLASS_COUNT: classes})]
    if faults:
        rest = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise BundleError(
            f"{file} does not fit the base: {', '.join(faults[:SHOWN])}{rest}: export the runs together again"
        )


def _names(found: set[str], wanted: set[str]) -> Iterator[str]:
    yield from (f"{name} is missing" for name in sorted(wanted - found))
    yield from (f"{name} is not an input of model.onnx" for name in sorted(found - wanted))


def _shapes(found: Mapping[str, Any], wanted: Mapping[str, Any], sizes: dict[str, int]) -> Iterator[str]:
    """Yield tensors of another type or shape; a size that is a word in the base's inputs is one number wherever it is.

    Args:
        found: by name, onnxruntime's values.
        wanted: by name, inputs of the base.
        sizes: words whose size is known; others are added when they are met first.
    """
    for name in sorted(found.keys() & wanted.keys()):
        value, place = found[name], wanted[name]
        shape = tuple(value.shape())
        fits = len(shape) == len(place.shape) and all(
            size == (sizes.setdefault(word, size) if isinstance(word, str) else word)
            for size, word in zip(shape, place.shape, strict=False)
        )
        if value.data_type() != place.type or not fits:
            yield f"{name} is {value.data_type()} {list(shape)}, not {place.type} {list(place.shape)}"
