"""What every node of the settings tree is: frozen, complete, and strict about unknown names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from visionft.files.paths import unspoken


def _word(value: Any) -> Any:
    if value == "":
        raise PydanticCustomError("place", "nothing is given; give a name, or leave it out")
    return _spoken(value)


def _spoken(value: Any) -> Any:
    if isinstance(value, str | Path) and (wrong := unspoken(value)):
        raise PydanticCustomError("place", "{wrong}", {"wrong": wrong})
    return value


Auto = Literal["auto"]
Place = Annotated[Path, BeforeValidator(_spoken)]
"""A path that can be written down: not empty, valid Unicode, without NUL. Whether it exists is asked elsewhere."""
Word = Annotated[str, BeforeValidator(_word)]
"""A text of one word or more; it may be a path too."""
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, lt=10.0)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """One node of the tree. A field's type, bounds, unit and sentence stand on the field and nowhere else."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)
