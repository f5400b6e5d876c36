"""Edits: what a method changes of the network, once, before there is an optimizer."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from visionft.backbones import Network, with_space
from visionft.errors import BackboneError
from visionft.methods import adaptformer, lora, visual_prompts
from visionft.methods.forward_probe import bypassed, require_alive, require_separable
from visionft.methods.param_roles import added
from visionft.methods.quantized_linear import QuantizedLinear, Storage, quantize
from visionft.methods.target_modules import find
from visionft.settings import AdapterMethod, AnyMethod, LoraMethod, PromptMethod, PrototypesMethod, QloraMethod


@dataclass(frozen=True)
class Edit:
    """What was done to a network.

    Attributes:
        places: layers or blocks that were given something.
        parameters: numbers that were added.
        stored: frozen layers that are stored small.
        sentence: all of it in words.
    """

    places: int
    parameters: int
    stored: int
    sentence: str


def edit(network: Network, method: AnyMethod, *, check: bool = True) -> Edit | None:
    """Change the network as the method says; methods that train what is there change nothing and return none.

    Everything but the additions and the head is frozen afterwards. New parameters are drawn from torch's generator.

    Args:
        network: in `eval()` on the processor; changed in place.
        method: what to do.
        check: see by one backward pass that every addition can learn; a network whose weights come later cannot tell.

    Raises:
        BackboneError: the backbone has nothing that the method could change, or an addition would never learn.
        UsageError: the targets match nothing.
        MissingExtraError: an optional dependency is missing.
    """
    with_space(network, isinstance(method, PrototypesMethod))
    match method:
        case LoraMethod() | QloraMethod():
            done = _low_rank(network, method)
        case AdapterMethod():
            n = adaptformer.inject(
                network, width=method.width, scale=method.scale, dropout=method.dropout, unfreeze=method.unfreeze
            )
            done = _told(network, n, 0, f"a bottleneck of {method.width} beside each of {n} MLPs")
        case PromptMethod():
            n = visual_prompts.inject(network, tokens=method.tokens, deep=method.deep, unfreeze=method.unfreeze)
            kind = "of its own for each of" if method.deep else "through"
            done = _told(network, n, 0, f"{method.tokens} tokens {kind} {n} blocks")
        case _:
            return None
    for parameter in network.backbone.parameters():
        parameter.requires_grad_(False)
    for name in added(network):
        network.get_parameter(name).requires_grad_(True)
    if check:
        require_alive(network, _learning_first(network))
    return done


def restore(network: Network, method: AnyMethod) -> None:
    """Give a plain network the additions that stay in a finished run: those that cannot be folded into weights."""
    with_space(network, isinstance(method, PrototypesMethod))
    if isinstance(method, AdapterMethod | PromptMethod):
        edit(network, method, check=False)


def fold(network: Network, method: AnyMethod) -> None:
    """Fold low-rank updates into plain fp32 weights; other additions stay."""
    if isinstance(method, LoraMethod | QloraMethod):
        lora.fold(network.backbone)


def _low_rank(network: Network, method: LoraMethod | QloraMethod) -> Edit:
    targets = find(network, method.targets, method.unfreeze)
    require_separable(network, targets)
    past = bypassed(network)
    storage: Storage | None = "bf16" if isinstance(method, LoraMethod) and method.base_dtype == "bf16" else None
    storage = method.quantization if isinstance(method, QloraMethod) else storage
    stored = quantize(network.backbone, storage, past) if storage else 0
    if storage and not stored:
        raise BackboneError(
            f"{network.name} has no linear layers that could be kept in {storage}, only convolutions are left; "
            "take --method lora with --method.base-dtype fp32"
        )
    scale = lora.scale_of(method.rank, method.alpha, method.rslora)
    lora.inject(
        network.backbone, targets, past,
        rank=method.rank, scale=scale, dropout=method.dropout, ratio=method.lr_ratio != 1,
    )  # fmt: skip
    kept = f", {stored} frozen layers kept in {storage}" if storage else ""
    return _told(network, len(targets), stored, f"rank {method.rank} in {len(targets)} layers{kept}")


def _learning_first(network: Network) -> list[str]:
    """Return the additions that have a gradient at the start: of a low-rank pair that is B."""
    return [name for name in added(network) if not name.endswith((".A", "adapter.down.weight", "adapter.down.bias"))]


def _told(network: Network, places: int, stored: int, sentence: str) -> Edit:
    count = sum(network.get_parameter(name).numel() for name in added(network))
    total = sum(p.numel() for p in network.backbone.parameters()) + _packed(network.backbone)
    return Edit(places, count, stored, f"{sentence}: {count:,} added parameters beside {total - count:,} frozen ones")


def _packed(backbone: nn.Module) -> int:
    found = (module for module in backbone.modules() if isinstance(module, QuantizedLinear))
    return sum(module.in_features * module.out_features for module in found)
