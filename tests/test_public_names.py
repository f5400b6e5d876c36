"""The public surface: sorted, loaded on first use, and never shadowed by a room."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import visionft

NAMES = [
    "AdapterMethod",
    "Advice",
    "Audit",
    "AugmentSettings",
    "BitfitMethod",
    "Bundle",
    "Comparison",
    "DataSettings",
    "Demo",
    "DrawRow",
    "Duplicates",
    "Evaluation",
    "Explained",
    "ExportSettings",
    "Exported",
    "Finding",
    "FitSettings",
    "Forecast",
    "Found",
    "FullMethod",
    "GradualMethod",
    "HardwareSettings",
    "HeadMethod",
    "Hit",
    "Indexed",
    "ListedRun",
    "Listener",
    "LoggerListener",
    "LookAlike",
    "LoraMethod",
    "LrSuggestion",
    "Matches",
    "Metrics",
    "NormMethod",
    "OptimSettings",
    "Phase",
    "Prediction",
    "PredictionFolder",
    "Predictions",
    "PreprocessSettings",
    "PromptMethod",
    "PrototypesMethod",
    "Pushed",
    "QloraMethod",
    "Run",
    "RunList",
    "Selection",
    "SideBySide",
    "SweepResult",
    "Table",
    "TrialRow",
    "Unanswered",
    "VisionftError",
    "__version__",
    "add_class",
    "advise",
    "audit",
    "blend",
    "check",
    "compare",
    "demo",
    "duplicates",
    "evaluate",
    "explain",
    "export",
    "find_lr",
    "fit",
    "index",
    "list_runs",
    "predict",
    "push",
    "report",
    "review",
    "search",
    "select",
    "sweep",
]
HEAVY = ("torch", "timm", "lightning", "albumentations", "pydantic", "numpy")


def test_public_names_are_these_in_this_order() -> None:
    assert visionft.__all__ == NAMES == sorted(NAMES)
    assert dir(visionft) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_there(name: str) -> None:
    assert getattr(visionft, name) is not None


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'visionft' has no attribute 'train'"):
        _ = visionft.train


def test_verbs_stay_functions_once_every_room_is_imported() -> None:
    modules = [module.name for module in pkgutil.walk_packages(visionft.__path__, "visionft.")]
    assert len(modules) >= 60
    for module in modules:
        importlib.import_module(module)
    verbs = (
        "add_class",
        "advise",
        "blend",
        "check",
        "compare",
        "demo",
        "duplicates",
        "evaluate",
        "export",
        "find_lr",
        "fit",
        "index",
        "list_runs",
        "predict",
        "push",
        "search",
        "sweep",
    )
    assert all(callable(getattr(visionft, verb)) for verb in verbs)
    assert not {module.partition(".")[2] for module in modules} & set(verbs)


def test_import_visionft_loads_nothing_heavy() -> None:
    code = f"import sys, visionft; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
