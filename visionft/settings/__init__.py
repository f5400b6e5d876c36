"""The typed tree of settings: one declaration a setting, frozen, complete."""

from visionft.settings.commenting import commented_yaml
from visionft.settings.data import AugmentSettings, DataSettings
from visionft.settings.fit import FitSettings, PreprocessSettings
from visionft.settings.method import METHODS, FullMethod, GradualMethod, HeadMethod, Method, Phase
from visionft.settings.reading import build, from_yaml, to_yaml
from visionft.settings.training import HardwareSettings, OptimSettings

__all__ = [
    "METHODS",
    "AugmentSettings",
    "DataSettings",
    "FitSettings",
    "FullMethod",
    "GradualMethod",
    "HardwareSettings",
    "HeadMethod",
    "Method",
    "OptimSettings",
    "Phase",
    "PreprocessSettings",
    "build",
    "commented_yaml",
    "from_yaml",
    "to_yaml",
]
