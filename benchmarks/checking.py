"""One cell of the table: a family through a method, from the edit to the exported file, with real optimizer steps.

What must hold: exactly the planned parameters move, and no buffer that is not planned; what is saved answers the same
when it is loaded; adapter files and merging give the same answers; onnxruntime answers like torch.
"""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from comparing import MERGED, FaultError, difference, exported, merged, peft_loaded, reloaded, require, storage_error
from families import CLASSES, photos
from torch import Tensor
from torch.nn import functional as F

from visionft import backbones, methods
from visionft.backbones import Network
from visionft.errors import BackboneError, UsageError
from visionft.methods import prototypes
from visionft.settings import (
    AdapterMethod,
    AnyMethod,
    BitfitMethod,
    FullMethod,
    GradualMethod,
    HeadMethod,
    LoraMethod,
    NormMethod,
    OptimSettings,
    PromptMethod,
    PrototypesMethod,
    QloraMethod,
)

METHODS: dict[str, AnyMethod] = {
    "head": HeadMethod(),
    "prototypes": PrototypesMethod(),
    "full": FullMethod(),
    "gradual": GradualMethod(),
    "lora": LoraMethod(),
    "qlora nf4": QloraMethod(quantization="nf4"),
    "qlora int8": QloraMethod(quantization="int8"),
    "adapter": AdapterMethod(),
    "prompt": PromptMethod(),
    "bitfit": BitfitMethod(),
    "norm": NormMethod(),
}
EXPORTED = ("full", "adapter", "prompt")  # folded or unchanged, the others have the layers of `full`
OPTIM = OptimSettings(lr=3e-3, head_lr=3e-3, layer_decay=1.0, warmup=0.0)
STEPS = 2  # of a low-rank pair, B moves in the first and A in the second


class UnsupportedError(Exception):
    """The package declined, in one sentence."""


def outcome(base: Network, column: str) -> dict[str, Any]:
    """Return what became of a copy of a live network: `ok` with figures, `unsupported`, or `failed` with the reason."""
    try:
        return {"outcome": "ok", **_through(base, column)}
    except UnsupportedError as error:
        return {"outcome": "unsupported", "sentence": str(error)}
    except FaultError as error:
        return {"outcome": "failed", "reason": str(error)}
    except Exception as error:  # noqa: BLE001  # one cell must not end the table
        return {"outcome": "failed", "reason": f"{type(error).__name__}: {' '.join(str(error).split())}"[:400]}


def _through(base: Network, column: str) -> dict[str, Any]:
    method, network = METHODS[column], copy.deepcopy(base)
    torch.manual_seed(1)
    done = _edited(network, method)
    figures: dict[str, Any] = {"added": done.parameters, "stored": done.stored} if done else {}
    if isinstance(method, QloraMethod):
        figures["storage_error"] = storage_error(base, network, method.quantization)
    figures |= prototyped(network) if isinstance(method, PrototypesMethod) else trained(network, method)
    network.eval()
    figures["effect"] = difference(base, network)
    require(figures["effect"] > MERGED, f"training changed the answers by {figures['effect']:.1e} alone")
    with tempfile.TemporaryDirectory() as folder:
        figures |= reloaded(base, network, method, Path(folder))
        if isinstance(method, LoraMethod | QloraMethod):
            figures["peft"] = peft_loaded(base, network, method, Path(folder))
            figures |= merged(network, method)
    if column in EXPORTED:
        figures["export"] = exported(network)
    return figures


def _edited(network: Network, method: AnyMethod) -> methods.Edit | None:
    try:
        return methods.edit(network, method)
    except (BackboneError, UsageError) as error:
        sentence = str(error)
        require("\n" not in sentence and ";" in sentence, f"not one sentence with what to do: {sentence}")
        raise UnsupportedError(sentence) from error


def prototyped(network: Network) -> dict[str, Any]:
    """Take the means of features of photos for prototypes, and see that the head and nothing else became another."""
    head, before = network.head, _tensors(network)
    assert isinstance(head, backbones.PrototypeHead)
    with torch.no_grad():
        sets = [network.eval().embed(photos(network, seed=seed)) for seed in (1, 2)]
    features = torch.cat(sets).numpy()
    labels = np.tile(np.arange(len(sets[0])) % CLASSES, 2)
    found = prototypes.solve(features, labels, features, labels)
    head.set_solution(torch.from_numpy(found.weight), torch.from_numpy(found.bias))
    head.set_space(torch.from_numpy(found.space.metric), torch.from_numpy(found.space.centre), found.space.noise)
    moved = {name for name, tensor in _tensors(network).items() if not torch.equal(tensor, before[name])}
    require(all(name.startswith("head.") for name in moved), f"moved, though frozen: {_some(moved)}")
    return {"trained": 2, "idle": 0, "idle_names": []}


def trained(network: Network, method: AnyMethod) -> dict[str, Any]:
    """Take optimizer steps under the schedule, and see after each that the plan and nothing else moved."""
    levels = backbones.depth_map(network)
    groups = methods.groups(network, levels)
    optimizer = torch.optim.AdamW(methods.parameter_groups(network, groups, weight_decay=0.05), lr=0.0)
    facts = methods.Facts(levels.levels, 1, STEPS, head_solved=not isinstance(method, HeadMethod))
    schedule = methods.schedule(method, OPTIM, facts)
    ever: set[str] = set()
    planned: set[str] = set()
    for k in range(schedule.total_steps):
        state = schedule.at(k)
        network.train()
        methods.apply(network, groups, state)
        methods.set_rates(optimizer, state)
        planned = {name for g in groups if state.trains(g.depth, g.role) for name in g.parameters}
        ever |= _step(network, optimizer, planned, k)
    added = set(methods.added(network))
    require(added <= ever, f"additions that never moved: {_some(added - ever)}")
    idle = planned - ever
    return {"trained": len(planned), "idle": len(idle), "idle_names": sorted(idle)[:3]}


def _step(network: Network, optimizer: torch.optim.Optimizer, planned: set[str], k: int) -> set[str]:
    """Take one step; return the parameters that moved: planned ones, and all of those that have a gradient."""
    before = _tensors(network)
    parameters = {name for name, _ in network.named_parameters()}
    live = _live_buffers(network)
    x = photos(network, seed=k + 1)
    loss = F.cross_entropy(network(x), torch.arange(len(x)) % CLASSES)
    require(bool(loss.isfinite()), f"the loss of step {k} is {loss.item()}")
    loss.backward()  # type: ignore[no-untyped-call]
    reached = {name for name, p in network.named_parameters() if p.grad is not None and bool(p.grad.any())}
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    moved = {name for name, tensor in _tensors(network).items() if not torch.equal(tensor, before[name])}
    require(reached <= planned, f"had a gradient, though frozen: {_some(reached - planned)}")
    require(moved - live <= planned, f"moved, though frozen: {_some(moved - live - planned)}")
    require(reached <= moved, f"had a gradient and stood still: {_some(reached - moved)}")
    return moved & parameters


def _live_buffers(network: Network) -> set[str]:
    """Return the buffers that may move: running statistics beside parameters that train."""
    return {
        f"{path}.{name}"
        for path, module in network.named_modules()
        if module.training and any(p.requires_grad for p in module.parameters(recurse=False))
        for name, _ in module.named_buffers(recurse=False)
    }


def _tensors(network: Network) -> dict[str, Tensor]:
    found = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in found.items()}


def _some(names: set[str]) -> str:
    return f"{len(names)}, such as {', '.join(sorted(names)[:3])}"
