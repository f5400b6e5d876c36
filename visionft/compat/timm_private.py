"""What visionft needs of timm beyond its public names."""

from __future__ import annotations

from timm.models._manipulate import flatten_modules
from timm.models.vision_transformer import _create_vision_transformer as create_vision_transformer

__all__ = ["create_vision_transformer", "flatten_modules"]
