"""Weights from a file: read without pickle, fitted to the backbone, never silently in part."""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import timm
from torch import Tensor, nn

from visionft.errors import WeightsError

WRAPPERS = ("module.", "_orig_mod.", "model.", "network.", "backbone.", "encoder.")
UNUSED_SHARE = 0.1  # more left over: the file is of a larger backbone of the family (resnet34 has all of resnet18)
NAMES_SHOWN = 3


@dataclass(frozen=True)
class WeightSource:
    """Where a backbone's weights come from, and under which licence.

    Attributes:
        name: timm's name with the tag of the weights.
        kind: `hub`, `package` (part of visionft), `file` or `none` (from scratch).
        licence: of timm's registered weights of this name; none from scratch, or if timm does not say.
        location: hub id, URL, path, or what it is part of.
        sha256: of the file of weights, in hexadecimal, where it is known.
    """

    name: str
    kind: Literal["hub", "package", "file", "none"]
    licence: str | None = None
    location: str | None = None
    sha256: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        if self.kind == "none":
            return f"{self.name} from scratch"
        licence = self.licence or "unknown to timm"
        if self.kind == "file":
            return f"{self.location} (the file states no licence; timm's {self.name} has: {licence})"
        return f"{self.location} (licence: {licence})"


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a safetensors or torch file; Python objects in it are refused, not run.

    Raises:
        WeightsError: the file is missing, unreadable, pickled code or holds no tensors.
    """
    if not path.is_file():
        raise WeightsError(f"there is no file of weights at {path}; give a safetensors or torch file with --weights")
    try:
        with warnings.catch_warnings(action="ignore"):  # torch's of plain pickles, which are told below
            state = timm.models.load_state_dict(str(path), weights_only=True)
        tensors = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    except Exception as error:  # a file of anything makes torch fail in any way
        if "weights_only" in str(error):
            raise WeightsError(
                f"{path} is damaged or holds pickled objects, which are not run; save its state_dict() as safetensors"
            ) from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WeightsError(f"{path} cannot be read as weights ({reason}); fetch or save it again") from error
    if not tensors:
        raise WeightsError(f"{path} holds no tensors; give a file with a state_dict")
    return tensors


def load_file(backbone: nn.Module, path: Path) -> None:
    """Load a file's weights into the backbone; its classifier is left out.

    A vision transformer of another input size gets its position embeddings resampled by timm's own filter.

    Raises:
        WeightsError: the file is unusable, or is not of this backbone; nothing is loaded then.
    """
    wanted = backbone.state_dict()
    state = _filtered(_unwrapped(read_state(path), wanted), backbone)
    fitting = {name: value for name, value in state.items() if name in wanted and value.shape == wanted[name].shape}
    missing = [name for name, value in wanted.items() if name not in state and value.is_floating_point()]
    misshapen = [name for name in state if name in wanted and name not in fitting]
    unused = [name for name in state if name not in wanted and not _is_classifier(name, backbone)]
    if missing or misshapen or len(unused) > UNUSED_SHARE * len(state):
        faults = {"missing": missing, "of another shape": misshapen, "unknown to it": unused}
        raise WeightsError(_misfit(path, backbone, len(wanted), faults))
    backbone.load_state_dict(fitting, strict=False)


def _unwrapped(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Strip the prefixes that trainers put before the names; what stands beside such a prefix is not the backbone."""

    def known(names: Mapping[str, Tensor]) -> int:
        return len(names.keys() & wanted.keys())

    best = dict(state)
    for _ in WRAPPERS:
        inner = max((_beneath(best, prefix) for prefix in WRAPPERS), key=lambda names: (known(names), len(names)))
        # a foreign layout, which timm's filter translates later, shares no name yet: then what all have is a wrapper
        if known(inner) > known(best) or (known(best) == 0 and len(inner) > (1 - UNUSED_SHARE) * len(best)):
            best = inner
    return best


def _beneath(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _filtered(state: dict[str, Tensor], backbone: nn.Module) -> Mapping[str, Tensor]:
    """Let the filter of timm's model family translate older layouts and resample position embeddings."""
    module = sys.modules[type(backbone).__module__]
    translate: Any = getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_filter_fn", None)
    if translate is None:
        return state
    try:
        translated: Mapping[str, Tensor] = translate(dict(state), backbone)
    except Exception:  # noqa: BLE001  # a filter may trip over a file of another family in any way; the misfit is told from the names
        return state
    return translated


def _is_classifier(name: str, backbone: nn.Module) -> bool:
    cfg: Any = backbone.pretrained_cfg
    names = cfg.get("classifier") or ()
    own = (names,) if isinstance(names, str) else tuple(names)
    return name.rpartition(".")[0] in {*own, "head", "head_dist", "fc", "classifier"}


def _misfit(path: Path, backbone: nn.Module, total: int, faults: Mapping[str, list[str]]) -> str:
    cfg: Any = backbone.pretrained_cfg
    counts = [
        f"{len(names)} {fault} ({', '.join(names[:NAMES_SHOWN])}{', ...' if len(names) > NAMES_SHOWN else ''})"
        for fault, names in faults.items()
        if names
    ]
    return (
        f"{path} does not fit the backbone {cfg.get('architecture')} of {total} tensors: {', '.join(counts)}; "
        "name the backbone that the file was made for with --backbone"
    )
