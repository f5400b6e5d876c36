"""The typed trees of settings, one a verb: one declaration a setting, frozen, complete.

What reads them from YAML and from flags is loaded on first use: whoever only serves has no PyYAML.
"""

from typing import TYPE_CHECKING, Any

from visionft.settings.data import AugmentSettings, ClassesSettings, DataSettings
from visionft.settings.export import ExportSettings
from visionft.settings.fit import FitSettings, PreprocessSettings, ReportSettings
from visionft.settings.method import (
    HEAD_ALONE,
    METHODS,
    AdapterMethod,
    AnyMethod,
    BitfitMethod,
    FullMethod,
    GradualMethod,
    HeadMethod,
    LoraMethod,
    Method,
    NormMethod,
    Phase,
    PromptMethod,
    PrototypesMethod,
    QloraMethod,
)
from visionft.settings.method_names import compared_methods
from visionft.settings.serve import ServeSettings
from visionft.settings.training import (
    DistillationSettings,
    EmbeddingSettings,
    HardwareSettings,
    LabelsSettings,
    OptimSettings,
)
from visionft.settings.yaml_template import commented_yaml

if TYPE_CHECKING:
    from visionft.settings.parse import build, build_export, build_for, from_yaml, require_effect, to_yaml

__all__ = [
    "HEAD_ALONE",
    "METHODS",
    "AdapterMethod",
    "AnyMethod",
    "AugmentSettings",
    "BitfitMethod",
    "ClassesSettings",
    "DataSettings",
    "DistillationSettings",
    "EmbeddingSettings",
    "ExportSettings",
    "FitSettings",
    "FullMethod",
    "GradualMethod",
    "HardwareSettings",
    "HeadMethod",
    "LabelsSettings",
    "LoraMethod",
    "Method",
    "NormMethod",
    "OptimSettings",
    "Phase",
    "PreprocessSettings",
    "PromptMethod",
    "PrototypesMethod",
    "QloraMethod",
    "ReportSettings",
    "ServeSettings",
    "build",
    "build_export",
    "build_for",
    "commented_yaml",
    "compared_methods",
    "from_yaml",
    "require_effect",
    "to_yaml",
]


_READING = ("build", "build_export", "build_for", "from_yaml", "require_effect", "to_yaml")


def __getattr__(name: str) -> Any:
    """Load what reads settings when it is first asked for."""
    if name not in _READING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from visionft.settings import parse

    return getattr(parse, name)
