"""What visionft needs of timm beyond its public names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from timm.models._manipulate import flatten_modules
from timm.models.vision_transformer import _create_vision_transformer as create_vision_transformer
from torch import Tensor, nn

__all__ = ["checkpoint_filter", "create_vision_transformer", "flatten_modules"]


def checkpoint_filter(network: nn.Module) -> Callable[..., Mapping[str, Tensor]] | None:
    """Return the function (state, network) by which a timm family reads older layouts of its weights; none has none.

    Most families name it `checkpoint_filter_fn`; those of VGG and RegNet have a private name for it.
    """
    module = sys.modules[type(network).__module__]
    found: Callable[..., Mapping[str, Tensor]] | None = getattr(module, "checkpoint_filter_fn", None)
    return found or getattr(module, "_filter_fn", None)
