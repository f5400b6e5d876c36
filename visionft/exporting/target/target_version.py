"""`onnxruntime==X`: which runtime is meant, and what it can open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from visionft.errors import UsageError

NAME = "onnxruntime"
OLDEST = Version("1.15")
"""The first that was seen to run opset 18, the oldest that torch writes."""
OPSET_20 = Version("1.17")
"""The first that runs opset 20 (https://onnxruntime.ai/docs/reference/compatibility.html)."""
ADAPTERS = Version("1.20")
"""The first with `LoraAdapter`."""
NUMPY_2 = Version("1.19")
"""The first that was built for numpy 2."""


@dataclass(frozen=True)
class Target:
    """One version of onnxruntime.

    Attributes:
        version: its version.
    """

    version: Version
    mend: ClassVar[str] = "give a later --target, or another --precision"

    @classmethod
    def parse(cls, given: str) -> Self:
        """Read `onnxruntime==X`.

        Raises:
            UsageError: it is none, or that version cannot carry a bundle.
        """
        try:
            wanted = Requirement(given)
            pinned = [each for each in wanted.specifier if each.operator == "==" and "*" not in each.version]
        except InvalidRequirement:
            wanted, pinned = None, []
        if wanted is None or wanted.name != NAME or len(pinned) != 1 or len(wanted.specifier) != 1:
            raise UsageError(f"--target: {given!r} is no runtime and its version; give one such as {NAME}==1.17.3")
        version = Version(pinned[0].version)
        if version < OLDEST:
            raise UsageError(
                f"--target: {NAME} {version} is older than any that opens a bundle; give {OLDEST} or later"
            )
        return cls(version)

    @property
    def opset(self) -> int:
        """The version of ai.onnx to write for it."""
        return 20 if self.version >= OPSET_20 else 18

    @property
    def requirements(self) -> tuple[str, ...]:
        """What pip has to install for it."""
        return (str(self), "numpy" if self.version >= NUMPY_2 else "numpy<2")

    def require_adapters(self) -> None:
        """Raise UsageError where it has no adapters."""
        if self.version < ADAPTERS:
            raise UsageError(
                f"--target: {NAME} {self.version} cannot carry adapters; "
                f"give {ADAPTERS} or later, or export each run by itself"
            )

    def __str__(self) -> str:
        return f"{NAME}=={self.version}"
