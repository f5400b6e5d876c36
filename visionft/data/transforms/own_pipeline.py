"""A user's own pipeline of albumentations: written down as text, built again from that, and tried before it is used."""

from __future__ import annotations

import json
import os
import random
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.data.sampler import Purpose, stream
from visionft.errors import DataError, SettingsError
from visionft.files.safe_yaml import parse_yaml, read_yaml
from visionft.machine.process_state import environment

# albumentations asks PyPI for a newer version at import unless told not to; no import of ours reaches the network.
with environment(NO_ALBUMENTATIONS_UPDATE="1"):
    import albumentations as A

Pixels = NDArray[np.uint8]
Pipeline = A.BaseCompose | A.BasicTransform | Mapping[str, Any] | str | os.PathLike[str]
"""An `A.Compose`, or one of its parts; what `A.to_dict` returns; or a file that `A.save` wrote."""

NAME = "--augment.pipeline"
CLASS = "__class_fullname__"
"""Key of albumentations' own serialisation: the name of a class, which is without dots where it is one of its own."""
NOT_TAKEN = re.compile(r"Argument\(s\) (.*) are not valid for transform (\w+)")
"""What albumentations says of an argument that it does not take, which may be one that it has written itself."""
PROBES = ((336, 448), (1344, 1792))
"""(H, W) of what a pipeline is tried on: as photos come for the commonest crops; larger where its crop needs it."""
DRAWS = 6
KEPT = "build it of albumentations' own transforms: a run has to build it again when it is opened"


def pipeline_text(given: Any) -> str:
    """Return a pipeline as text that a run can record, after it was built again from it and tried.

    Args:
        given: an `A.Compose`, or one of its parts; what `A.to_dict` returns; such a mapping as YAML or JSON text; or
            the path of a file with it, as `A.save` writes it.

    Raises:
        SettingsError: it cannot be written down, needs more than a photo, depends on more than its random numbers, or
            makes something else than uint8 RGB.
    """
    record = given if isinstance(given, Mapping) else _of_words(given) or _of_object(given)
    _refuse_foreign(record)
    compose, spare = _composed(record)
    text = json.dumps(_without(spare, A.to_dict(compose)))
    _try(text)
    return text


def built(text: str) -> A.Compose:
    """Return the pipeline of a text by `pipeline_text`."""
    return A.from_dict(json.loads(text))


def drawn(compose: A.Compose, pixels: Pixels, source: np.random.SeedSequence) -> Pixels:
    """Return (h, w, 3) uint8 of (H, W, 3) uint8 as a pure function of the photo and of the source of random numbers.

    Raises:
        DataError: the pipeline fails, or makes something else.
    """
    chance = random.Random(int.from_bytes(source.generate_state(4).tobytes(), "little"))
    compose.set_random_state(np.random.default_rng(source), chance)
    try:
        changed = compose(image=pixels)["image"]
    except Exception as error:  # whatever a transform makes of a photo
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"{NAME} fails on a photo of {pixels.shape[0]} x {pixels.shape[1]} pixels ({reason}); let it take any "
            "size, such as by A.RandomResizedCrop, or leave that transform out"
        ) from error
    if not isinstance(changed, np.ndarray) or changed.dtype != np.uint8 or changed.shape[2:] != (3,):
        made = f"{changed.dtype} of shape {tuple(changed.shape)}" if hasattr(changed, "dtype") else type(changed)
        raise DataError(
            f"{NAME} makes {made}, and training takes uint8 of shape (H, W, 3); leave Normalize, ToFloat, ToTensorV2 "
            "and their like out, which come by themselves"
        )
    return np.ascontiguousarray(changed, np.uint8)


def transforms_of(text: str) -> list[str]:
    """Name the transforms of a pipeline's text, in order."""
    return [name for name in _classes(json.loads(text)) if name != "Compose"]


def _of_words(given: Any) -> dict[str, Any] | None:
    """Read a text or a file; None where neither was given."""
    if not isinstance(given, str | os.PathLike):
        return None
    text = os.fspath(given)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    inline = text.lstrip().startswith("{")
    record = parse_yaml(text, NAME) if inline else read_yaml(Path(text), f"{NAME}: {text}")
    if not isinstance(record, dict) or not isinstance(record.get("transform"), dict):
        raise SettingsError(
            [f"{NAME}: {'the text' if inline else text} holds no pipeline; give a file that albumentations.save wrote"]
        )
    return record


def _of_object(given: Any) -> dict[str, Any]:
    if not isinstance(given, A.BaseCompose | A.BasicTransform):
        raise SettingsError([f"{NAME}: {type(given).__name__} is no pipeline; give an A.Compose of albumentations"])
    try:
        return dict(A.to_dict(given if isinstance(given, A.Compose) else A.Compose([given])))
    except (ValueError, NotImplementedError, TypeError) as error:  # a Lambda, or photos of another place
        raise SettingsError([f"{NAME}: it cannot be written down ({_first_line(error)}); {KEPT}"]) from error


def _refuse_foreign(record: Mapping[str, Any]) -> None:
    """Refuse code that a run could not find again: functions, and classes of the user's own."""
    if own := next((name for name in _classes(record) if name == "Lambda" or "." in name), None):
        what = "a function" if own == "Lambda" else "a class of your own"
        raise SettingsError([f"{NAME}: {own} is {what}, which is not written down; {KEPT}"])


def _classes(node: Any) -> list[str]:
    return [str(one[CLASS]) for one in _nodes(node)]


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what stands for a transform, outer ones first."""
    if isinstance(node, Mapping):
        if CLASS in node:
            yield node
        for name in sorted(node):
            yield from _nodes(node[name])
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from _nodes(inner)


def _composed(record: Mapping[str, Any]) -> tuple[A.Compose, dict[str, set[str]]]:
    """Build a pipeline; also return the arguments, by class, that albumentations writes down and does not take."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            compose = A.from_dict(dict(record))
    except Exception as error:  # whatever a constructor makes of its arguments
        known = f"albumentations has no {error}" if isinstance(error, KeyError) else _first_line(error)
        raise SettingsError([f"{NAME}: it cannot be built ({known}); give what albumentations.save wrote"]) from error
    _refuse_unknown(record, A.to_dict(compose))
    compose = compose if isinstance(compose, A.Compose) else A.Compose([compose])
    kept = A.to_dict(compose)["transform"]
    carried = [name for name in ("bbox_params", "keypoint_params", "additional_targets") if kept.get(name)]
    wanted = [name for part in _parts(compose) for name in getattr(part, "targets_as_params", ()) if name != "image"]
    if carried or wanted:
        raise SettingsError(
            [f"{NAME}: it asks for {(carried + wanted)[0]}, and a photo comes alone; leave that part out"]
        )
    found = [match for one in said if (match := NOT_TAKEN.match(str(one.message)))]
    return compose, {match[2]: set(re.findall(r"'(\w+)'", match[1])) for match in found}


def _refuse_unknown(given: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Refuse arguments that no transform has: albumentations leaves them out with a warning."""
    for node, known in zip(_nodes(given), _nodes(own), strict=True):
        if unknown := sorted(node.keys() - known.keys()):
            having = ", ".join(sorted(known.keys() - {CLASS}))
            raise SettingsError([f"{NAME}: {node[CLASS]} has no {unknown[0]!r}; it has {having}"])


def _without(spare: Mapping[str, set[str]], node: Any) -> Any:
    if isinstance(node, Mapping):
        left_out = spare.get(str(node.get(CLASS)), set())
        return {name: _without(spare, inner) for name, inner in node.items() if name not in left_out}
    return [_without(spare, inner) for inner in node] if isinstance(node, list | tuple) else node


def _parts(compose: Any) -> Iterator[Any]:
    for part in getattr(compose, "transforms", ()):
        yield part
        yield from _parts(part)


@lru_cache(maxsize=8)
def _try(text: str) -> None:
    """Refuse a pipeline that fails on every size, makes no uint8 RGB, or is no function of its random numbers."""
    fault: DataError | None = None
    for height, width in PROBES:
        try:
            _require_pure(text, _probe(height, width))
        except DataError as error:
            fault = error
        else:
            return
    raise SettingsError([str(fault)]) from fault


def _require_pure(text: str, photo: Pixels) -> None:
    one, other = built(text), built(text)
    sources = [(Purpose.AUGMENT, 0, epoch, index) for epoch in range(2) for index in range(DRAWS // 2)]
    first = {key: drawn(one, photo.copy(), stream(*key)) for key in sources}
    if not all(np.array_equal(drawn(other, photo.copy(), stream(*key)), first[key]) for key in reversed(sources)):
        raise SettingsError(
            [f"{NAME}: it makes other pixels of the same photo by the same random numbers, so that no run could be "
             f"repeated; leave out what keeps something from call to call ({', '.join(transforms_of(text))})"]
        )  # fmt: skip


def _probe(height: int, width: int) -> Pixels:
    """Return (height, width, 3) uint8: ramps of each colour, with noise."""
    y, x = np.mgrid[:height, :width]
    ramps = np.stack([255 * y / height, 255 * x / width, 127 * (y / height + x / width)], 2)
    noise = np.random.default_rng(0).normal(0, 12, ramps.shape)
    return np.clip(ramps + noise, 0, 255).astype(np.uint8)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
