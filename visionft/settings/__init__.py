"""The typed tree of settings: one declaration a setting, frozen, complete."""

from visionft.settings.data import AugmentSettings, ClassesSettings, DataSettings
from visionft.settings.export import ExportSettings
from visionft.settings.fit import FitSettings, PreprocessSettings
from visionft.settings.method import (
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
    QloraMethod,
)
from visionft.settings.method_names import compared_methods
from visionft.settings.parse import build, build_export, build_for, from_yaml, require_effect, to_yaml
from visionft.settings.training import DistillationSettings, HardwareSettings, OptimSettings
from visionft.settings.yaml_template import commented_yaml

__all__ = [
    "METHODS",
    "AdapterMethod",
    "AnyMethod",
    "AugmentSettings",
    "BitfitMethod",
    "ClassesSettings",
    "DataSettings",
    "DistillationSettings",
    "ExportSettings",
    "FitSettings",
    "FullMethod",
    "GradualMethod",
    "HardwareSettings",
    "HeadMethod",
    "LoraMethod",
    "Method",
    "NormMethod",
    "OptimSettings",
    "Phase",
    "PreprocessSettings",
    "PromptMethod",
    "QloraMethod",
    "build",
    "build_export",
    "build_for",
    "commented_yaml",
    "compared_methods",
    "from_yaml",
    "require_effect",
    "to_yaml",
]
