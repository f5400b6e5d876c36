"""What low-rank runs share and what is each one's own: the reading of runs that are to be adapters on one base."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionft.backbones import Network
from visionft.bundle.schema import ADAPTER_NAME
from visionft.errors import RunError, UsageError
from visionft.exporting.trained_model import TrainedModel
from visionft.methods import load_peft, lora
from visionft.runs import layout
from visionft.runs.run_files import verify
from visionft.runs.weights_file import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from visionft.settings import LoraMethod

State = Mapping[str, Tensor]


class AdaptedRun(TrainedModel, Protocol):
    """A trained model that still knows where it started."""

    def start(self) -> Network:
        """Return the network before its first step: the base, under a head."""
        ...


@dataclass(frozen=True, eq=False)
class LowRank:
    """What is a run's own.

    Attributes:
        run: the run.
        factors: by layer of the backbone, A (in, r) and B (r, out) of its update, the scale in B.
        weight: (D, C) of the head.
        bias: (C,) of the head.
    """

    run: AdaptedRun
    factors: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def rank(self) -> int:
        """The largest rank of its updates."""
        return max((a.shape[1] for a, _ in self.factors.values()), default=0)

    @property
    def bytes(self) -> int:
        """Size of all its numbers."""
        return self.weight.nbytes + self.bias.nbytes + sum(a.nbytes + b.nbytes for a, b in self.factors.values())


def read_adapters(runs: Mapping[str, AdaptedRun]) -> dict[str, LowRank]:
    """Read runs that are to share one base, and see that they can.

    Args:
        runs: by the names that the adapters shall have, at least one.

    Raises:
        UsageError: there is no run, or a name cannot be a file's.
        RunError: a run is no plain LoRA with a linear head, or its base is another than the first one's.
    """
    if not runs:
        raise UsageError("no run was given for the adapters: give at least one run of --method lora")
    for name in runs:
        if not re.match(ADAPTER_NAME, name):
            raise UsageError(
                f"{name!r} cannot be the name of an adapter: give another as NAME=RUN, of letters, digits and .-_"
            )
    first, found, base = next(iter(runs.values())), dict[str, LowRank](), None
    for name, run in runs.items():
        _require_lora(run)
        _require_alike(run, first)
        found[name], state = _read(run)
        base = base or state
        if (other := _first_difference(state, base)) is not None:
            raise _alone(run, f"has another {other} in its base than {first.path}, before any step of training")
    return found


def _require_lora(run: AdaptedRun) -> None:
    settings = run.settings
    if not isinstance(settings.method, LoraMethod):
        raise _alone(run, f"was trained with --method {settings.method.name}, and adapters come from --method lora")
    if settings.head != "linear":
        raise _alone(run, f"has a {settings.head} head, and adapters have linear ones")
    if not (run.path / layout.ADAPTER).is_dir():
        raise _alone(run, f"has no {layout.ADAPTER}/ (a blend of two networks has none)")


def _require_alike(run: AdaptedRun, first: AdaptedRun) -> None:
    if run.settings.backbone != first.settings.backbone:
        raise _alone(run, f"has the backbone {run.settings.backbone}, {first.path} has {first.settings.backbone}")
    if run.preprocess != first.preprocess:
        raise _alone(run, f"sees photos by another preprocess than {first.path} (size, crop or interpolation)")
    digests = [one.weights_source.get("sha256") for one in (run, first)]
    if all(digests) and digests[0] != digests[1]:
        raise _alone(run, f"started from other pretrained weights than {first.path}")


def _read(run: AdaptedRun) -> tuple[LowRank, State]:
    """Return what is a run's own, and the frozen weights of its backbone."""
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        verify(run.path / layout.ADAPTER / name)
    network = run.start()
    base = dict(network.backbone.state_dict())
    load_peft(network, run.path / layout.ADAPTER)
    factors = {}
    for path, layer, pair in lora.pairs(network.backbone):
        if not isinstance(layer, lora.LoraLinear):
            raise _alone(run, f"has its update inside the weight of {path}, which is no linear layer called as one")
        factors[path] = (_numbers(pair.A.T), _numbers(pair.full_b().T * pair.scale))
    _require_nothing_else(run, base, {f"{path}.weight" for path in factors})
    weight, bias = network.head.get_parameter("weight"), network.head.get_parameter("bias")
    return LowRank(run, factors, _numbers(weight.T), _numbers(bias)), base


def _require_nothing_else(run: AdaptedRun, base: State, updated: set[str]) -> None:
    """See that training moved nothing of the backbone but what the updates move; no norm and no statistics either."""
    final = run.network().backbone.state_dict()
    kept = {name: tensor for name, tensor in base.items() if name not in updated}
    if (other := _first_difference(final, kept)) is not None:
        raise _alone(run, f"trained {other} beside its updates and its head")


def _first_difference(found: State, wanted: State) -> str | None:
    """Return the first of the wanted tensors that is not there bit for bit."""
    return next((name for name in wanted if name not in found or not torch.equal(found[name], wanted[name])), None)


def _alone(run: AdaptedRun, fault: str) -> RunError:
    return RunError(f"the run {run.path} {fault}; export it alone, with `visionft export {run.path}`")


def _numbers(tensor: Tensor) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = np.ascontiguousarray(tensor.detach().float().numpy())
    return numbers
