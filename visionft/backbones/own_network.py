"""A user's own network object, kept as timm keeps one: what a run can build again by itself, or nothing."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import safetensors.torch
import timm
import torch
from torch import Tensor, nn

from visionft.backbones.create import untrained
from visionft.backbones.hub import HUB_FILES
from visionft.backbones.model_names import CONFIG, LOCAL, Blueprint, of_record
from visionft.backbones.weights import require_finite, sha256
from visionft.errors import BackboneError
from visionft.files.atomic_folder import placed_folder
from visionft.files.temporary import reason_of

CLOSE = 1e-5
"""Largest difference of two answers, as a share of the largest: the order of a sum may depend on where memory lies."""
PROBES = 2  # photos: batch norms that train need more than one
WHAT = "make it by timm.create_model, or give --backbone and --weights instead"


def store_network(model: nn.Module, place: Path, arguments: Mapping[str, Any] | None = None) -> str:
    """Write a network into a folder as timm and its hub lay it out, and return the name of it as a backbone.

    timm has to build an equal network by the name of its architecture: the same modules and tensors, and the same
    answers, in evaluation and in training. So the run can be opened again where the object is gone. The network itself
    is left as it is; its classifier gives way to the new head.

    Args:
        model: made by `timm.create_model`, on any device, with any weights.
        place: the folder of such folders; the new one is called by the architecture and the digest of its files.
        arguments: of `timm.create_model`, beside the name; none: they are read off the network where they show.

    Returns:
        The network's name as a backbone, which begins with `local-dir`.

    Raises:
        BackboneError: it is no network of timm, or timm builds another one; or it cannot be written.
        WeightsError: a weight is NaN or infinite.
    """
    given = _copied(model)
    plan = _plan(given, dict(arguments or {}), guess=arguments is None)
    state = {name: tensor.clone().contiguous() for name, tensor in given.state_dict().items()}
    require_finite("model=", state)
    config = json.dumps({**_config(plan), "num_classes": _classes(given)}, indent=1, sort_keys=True)
    weights = safetensors.torch.save(state)
    digest = hashlib.sha256(config.encode() + hashlib.sha256(weights).digest()).hexdigest()
    folder = place.absolute() / f"{plan.architecture}-{digest[:12]}"
    if not _holds(folder, config, weights):
        try:
            _write(folder, config, weights)
        except OSError as error:
            raise BackboneError(
                f"model= cannot be kept in {folder} ({reason_of(error)}); set $VISIONFT_CACHE to a folder with room"
            ) from error
    return f"{LOCAL}:{folder}"


def _copied(model: nn.Module) -> nn.Module:
    """Return the network in fp32 on the processor, for evaluation."""
    cfg: Any = getattr(model, "pretrained_cfg", None)
    architecture = cfg.get("architecture") if isinstance(cfg, Mapping) else None
    if not isinstance(model, nn.Module) or not architecture or not hasattr(model, "forward_features"):
        raise BackboneError(
            f"model= is a {type(model).__name__}, which is no network of timm (it lacks pretrained_cfg or "
            f"forward_features); {WHAT}"
        )
    if not timm.is_model(architecture):
        raise BackboneError(f"model= says that it is {architecture!r}, an architecture that timm has not; {WHAT}")
    if any(tensor.is_meta for tensor in model.state_dict().values()):
        raise BackboneError("model= has weights on the device meta, which are none; load them first")
    return copy.deepcopy(model).cpu().float().eval()


def _plan(given: nn.Module, arguments: dict[str, Any], *, guess: bool) -> Blueprint:
    """Return what builds the network; BackboneError where timm builds another one."""
    plan, rebuilt = _built(given, arguments)
    if guess and (differing := _differing(given, rebuilt)):
        plan, rebuilt = _built(given, differing)
    if difference := _difference(given, rebuilt, _size(plan)):
        made = ", ".join(f"{name}={value!r}" for name, value in plan.arguments.items())
        raise BackboneError(
            f"model= is another network than timm builds by {plan.architecture!r}{f' with {made}' if made else ''}: "
            f"{difference}; a run has to build it again when it is opened, so give the arguments that it was created "
            "with as model_args={...}, leave changes of its modules out, and drop a classifier of your own by "
            "model.reset_classifier(0)"
        )
    return plan


def _built(given: nn.Module, arguments: Mapping[str, Any]) -> tuple[Blueprint, nn.Module]:
    cfg: Any = given.pretrained_cfg
    record = {"architecture": cfg["architecture"], "pretrained_cfg": dict(cfg), "model_args": dict(arguments)}
    try:
        plan = of_record(json.loads(json.dumps(record)))
        with torch.random.fork_rng(devices=()):
            return plan, untrained(plan, {**plan.arguments, "num_classes": _classes(given)})
    except Exception as error:  # whatever timm's constructors make of arguments
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BackboneError(
            f"timm cannot make {cfg['architecture']} with model_args={dict(arguments)} ({reason}); give those that "
            "the network was created with"
        ) from error


def _classes(model: nn.Module) -> int:
    return int(getattr(model, "num_classes", 0) or 0)


def _size(plan: Blueprint) -> tuple[int, int]:
    return plan.cfg.input_size[1], plan.cfg.input_size[2]


def _differing(given: nn.Module, rebuilt: nn.Module) -> dict[str, Any]:
    """Return the arguments that show in the network and are not the architecture's own; they are verified after."""
    shown, own = _shown(given), _shown(rebuilt)
    return {name: value for name, value in shown.items() if value is not None and value != own[name]}


def _shown(model: nn.Module) -> dict[str, Any]:
    modules: list[Any] = list(model.modules())
    paths = [float(module.drop_prob) for module in modules if hasattr(module, "drop_prob")]
    pool: Any = getattr(model, "global_pool", None)
    size = getattr(getattr(model, "patch_embed", None), "img_size", None)
    rate = getattr(model, "drop_rate", None)
    return {
        "img_size": list(size) if isinstance(size, tuple) else size,
        # In some families the last block is short of the rate, which hardly ever has more than two digits.
        "drop_path_rate": math.ceil(round(100 * max(paths), 3)) / 100 if paths else None,
        "drop_rate": float(rate) if isinstance(rate, int | float) else _chance(getattr(model, "head_drop", None)),
        "global_pool": pool if isinstance(pool, str) else getattr(pool, "pool_type", None),
    }


def _chance(dropout: Any) -> float | None:
    return float(dropout.p) if isinstance(dropout, nn.Dropout) else None


def _difference(given: nn.Module, rebuilt: nn.Module, size: tuple[int, int]) -> str | None:
    """Say the first thing that differs, and give the rebuilt one the weights of the other on the way."""
    for line, other in zip_longest(str(given).splitlines(), str(rebuilt).splitlines(), fillvalue="nothing"):
        if line != other:
            return f"it has {line.strip()} where timm has {other.strip()}"
    state, wanted = given.state_dict(), rebuilt.state_dict()
    for name in [*state, *wanted]:
        shapes = [tuple(tensors[name].shape) if name in tensors else "none" for tensors in (state, wanted)]
        if shapes[0] != shapes[1]:
            return f"its tensor {name} is {shapes[0]} where timm's is {shapes[1]}"
    rebuilt.load_state_dict(state)
    for training in (False, True):
        try:
            ours, timms = (_answer(one, size, training) for one in (given, rebuilt))
        except Exception as error:  # noqa: BLE001  # a forward of the user's own may raise anything
            return f"it cannot take photos of {size[0]} x {size[1]} pixels ({type(error).__name__}: {error})"
        if ours.shape != timms.shape or float((ours - timms).abs().max()) > CLOSE * float(timms.abs().max()):
            return f"its answers differ {'in training' if training else 'in evaluation'}, with the same weights"
    return None


@torch.no_grad()
def _answer(model: nn.Module, size: tuple[int, int], training: bool) -> Tensor:
    """Return the answer to the same noise, by the same random numbers; statistics stay as they are."""
    model = copy.deepcopy(model).train(training)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        answer: Tensor = model(torch.randn(PROBES, 3, *size))
    return answer.flatten(1)


def _config(plan: Blueprint) -> dict[str, Any]:
    record = plan.to_json()
    return {
        "architecture": record["architecture"],
        "pretrained_cfg": record["cfg"],
        "model_args": record["arguments"],
    }


def _holds(folder: Path, config: str, weights: bytes) -> bool:
    try:
        kept = (folder / CONFIG).read_text(encoding="utf-8")
        return kept == config and sha256(folder / HUB_FILES[0]) == hashlib.sha256(weights).hexdigest()
    except (OSError, ValueError):
        return False


def _write(folder: Path, config: str, weights: bytes) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with placed_folder(folder, replace=True) as partial:
        (partial / CONFIG).write_text(config, encoding="utf-8")
        (partial / HUB_FILES[0]).write_bytes(weights)
