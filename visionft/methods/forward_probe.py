"""What a backbone does with a photo, found out by one pass: bypassed layers, dead updates, separable q and v."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from visionft.backbones import Network, eval_mode
from visionft.errors import BackboneError
from visionft.methods.target_modules import Target

SAME = 1e-3  # relative: two passes that are equal but for rounding
SHOWN = 3
Hook = Callable[[nn.Module, tuple[Any, ...], Any], None]


def bypassed(network: Network) -> frozenset[str]:
    """Return the linear layers that a pass never calls as modules: their model reads `.weight` itself."""
    linear = {path: module for path, module in network.backbone.named_modules() if isinstance(module, nn.Linear)}
    called: set[str] = set()
    with ExitStack() as stack:
        for path, module in linear.items():
            handle = module.register_forward_hook(_noting(called, path))
            stack.callback(handle.remove)
        run_once(network)
    return frozenset(linear.keys() - called)


def shapes(network: Network, modules: Iterable[nn.Module]) -> list[tuple[torch.Size, torch.Size] | None]:
    """Return the shapes of first input and output of modules in one pass; none where one is not called with tensors."""
    seen: dict[nn.Module, tuple[torch.Size, torch.Size]] = {}

    def note(module: nn.Module, given: tuple[Any, ...], answer: Any) -> None:
        if given and isinstance(given[0], Tensor) and isinstance(answer, Tensor):
            seen[module] = (given[0].shape, answer.shape)

    wanted = list(modules)
    with ExitStack() as stack:
        for module in wanted:
            stack.callback(module.register_forward_hook(note).remove)
        run_once(network)
    return [seen.get(module) for module in wanted]


def run_once(network: Network, photos: int = 2) -> Tensor:
    """Return embeddings (B, D) of blank photos, on the meta device where the backbone lets itself be run there."""
    backbone = network.backbone
    tensors = {**dict(backbone.named_parameters()), **dict(backbone.named_buffers())}
    with torch.no_grad(), eval_mode(backbone):
        try:
            meta = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
            blank = torch.empty(photos, 3, *network.input_size, device="meta")
            # tied: torch would swap a module that sits in two places twice, and leave it on meta (coat)
            answer: Tensor = functional_call(backbone, meta, (blank,), tie_weights=False)
        except Exception:  # noqa: BLE001  # plain tensors, or storage that has no meta form: only the real thing tells
            answer = backbone(torch.zeros(photos, 3, *network.input_size))
    return answer


def require_alive(network: Network, parameters: Iterable[str]) -> None:
    """Take one backward pass and see that every named parameter has a gradient.

    Raises:
        BackboneError: some have none, so that they would never learn.
    """
    wanted = list(parameters)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, *network.input_size, generator=generator)
    with eval_mode(network.backbone), torch.enable_grad():
        embedding = network.embed(x)
        # a random direction: after a last layer norm the plain sum would not depend on anything
        (embedding * torch.randn(embedding.shape, generator=generator)).sum().backward()  # type: ignore[no-untyped-call]
    found = {name: network.get_parameter(name).grad for name in wanted}
    network.zero_grad(set_to_none=True)
    dead = [name for name, gradient in found.items() if gradient is None or not gradient.any()]
    if dead:
        names = ", ".join(name.removeprefix("backbone.") for name in dead[:SHOWN])
        scratch = network.source.kind == "none"  # blocks whose last scale is born zero answer nothing until it trains
        way = "start from pretrained weights" if scratch else "choose other --method.targets"
        raise BackboneError(
            f"{len(dead)} of {len(found)} trainable additions get no gradient in {network.name} "
            f"({names}{' ...' if len(dead) > SHOWN else ''}); {way}, or take --method gradual"
        )


def require_separable(network: Network, targets: Iterable[Target]) -> None:
    """See that the rows of each fused layer are what they are taken for: q times 2 and k by 2 leave the scores alike.

    Raises:
        BackboneError: the model lays its rows out in another way.
    """
    fused = [target for target in targets if target.rows]
    if not fused:
        return
    x = torch.randn(1, 3, *network.input_size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), eval_mode(network.backbone):
        before = network.embed(x)
        with _rescaled(network.backbone, fused):
            after = network.embed(x)
    if not bool(((after - before).norm() <= SAME * before.norm()).item()):
        raise BackboneError(
            f"the rows of {network.name}'s {fused[0].path} are not q above k above v, so they cannot be told apart; "
            "give --method.targets attention"
        )


@contextmanager
def _rescaled(backbone: nn.Module, fused: Iterable[Target]) -> Iterator[None]:
    layers: list[tuple[nn.Linear, int]] = []
    for target in fused:
        layer = backbone.get_submodule(target.path)
        assert isinstance(layer, nn.Linear)
        layers.append((layer, layer.out_features // 3))

    def scale(factor: float) -> None:
        for layer, width in layers:
            for tensor in (layer.weight, layer.bias):
                if tensor is not None:
                    tensor[:width] *= factor
                    tensor[width : 2 * width] /= factor

    scale(2.0)  # a power of two: undone to the bit
    try:
        yield
    finally:
        scale(0.5)


def _noting(called: set[str], path: str) -> Hook:
    return lambda *_: called.add(path)
