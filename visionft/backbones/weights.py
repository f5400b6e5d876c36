"""Weights from a file: read without pickle, fitted to the backbone, never silently in part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from visionft.backbones.state_dict import read_containers, shard_of
from visionft.backbones.state_dict_keys import matched
from visionft.errors import WeightsError

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
        model: what builds the network again, where timm does not know it by its name alone; see `Blueprint.to_json`.
    """

    name: str
    kind: Literal["hub", "package", "file", "none"]
    licence: str | None = None
    location: str | None = None
    sha256: str | None = None
    model: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
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


def load_file(backbone: nn.Module, path: Path) -> None:
    """Load a file's weights into the backbone; its classifier is left out.

    The backbone's tensors may lie under any keys and behind any prefix, in any floating-point type. A vision
    transformer of another input size gets its position embeddings resampled by timm's own filter.

    Raises:
        WeightsError: the file is unusable, is not of this backbone, or has numbers that are not finite; nothing is
            loaded then.
    """
    wanted = backbone.state_dict()
    state = matched(read_containers(path), backbone, path)
    fitting = {name: value for name, value in state.items() if name in wanted and value.shape == wanted[name].shape}
    missing = [name for name, value in wanted.items() if name not in state and value.is_floating_point()]
    misshapen = [name for name in state if name in wanted and name not in fitting]
    unused = [name for name in state if name not in wanted and not _is_classifier(name, backbone)]
    if missing or misshapen or len(unused) > UNUSED_SHARE * len(state):
        faults = {"missing": missing, "of another shape": misshapen, "unknown to it": unused}
        raise WeightsError(_misfit(path, backbone, len(wanted), faults))
    _require_floats(path, fitting, wanted)
    require_finite(str(path), fitting)
    backbone.load_state_dict(fitting, strict=False)


def require_finite(source: str, tensors: Mapping[str, Tensor]) -> None:
    """Refuse weights that are NaN or infinite: every answer would be.

    Args:
        source: where they come from, in words.
        tensors: by name.

    Raises:
        WeightsError: names the first tensor, and how many of its numbers are meant.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and (bad := _not_finite(tensor)):
            raise WeightsError(
                f"{source} holds weights that are not finite ({bad:,} of {tensor.numel():,} numbers of {name} are NaN "
                "or infinite); its training went wrong or the file is damaged: give an earlier file, or fetch it again"
            )


def _not_finite(tensor: Tensor) -> int:
    exact = tensor if tensor.element_size() > 1 else tensor.float()  # torch has no such question for 8 bits
    return int(exact.numel() - torch.isfinite(exact).sum())


def _require_floats(path: Path, tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Refuse whole or complex numbers in place of real ones: torch would take them without a word."""
    for name, tensor in tensors.items():
        if wanted[name].is_floating_point() and not tensor.is_floating_point():
            raise WeightsError(
                f"{path} is quantised: {name} holds {str(tensor.dtype).removeprefix('torch.')} instead of "
                "floating-point numbers; give the weights as they were before"
            )


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
    return f"{path} does not fit the backbone {cfg.get('architecture')} of {total} tensors: {', '.join(counts)}; " + (
        _other_kind(path, faults["unknown to it"]) or "name the backbone that the file was made for with --backbone"
    )


def _other_kind(path: Path, unknown: list[str]) -> str | None:
    """Return what the file is instead, with what to give in its place."""
    if any(".lora_A." in name or ".lora_B." in name for name in unknown):
        return "it holds low-rank updates alone: give the weights that they were merged into"
    return shard_of(path)
