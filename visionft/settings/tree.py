"""What every node of the settings tree is: frozen, complete, and strict about unknown names."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Auto = Literal["auto"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, lt=10.0)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """One node of the tree. A field's type, bounds, unit and sentence stand on the field and nowhere else."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)
