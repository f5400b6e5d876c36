"""From a folder of photos to an ONNX file that can be trusted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visionft.advising import Advice, Forecast
    from visionft.auditing import Audit, Finding, Selection
    from visionft.bundle import Bundle, Prediction, PredictionFolder, Predictions, Unanswered
    from visionft.errors import VisionftError
    from visionft.evaluation import Evaluation, Explained, SideBySide
    from visionft.exporting import Exported
    from visionft.lr_finder import LrSuggestion
    from visionft.metrics import Metrics
    from visionft.runs import ListedRun, Run, RunList
    from visionft.searching import Duplicates, Found, Hit, Indexed, LookAlike, Matches
    from visionft.serving import Comparison
    from visionft.settings import (
        AdapterMethod,
        AugmentSettings,
        BitfitMethod,
        DataSettings,
        ExportSettings,
        FitSettings,
        FullMethod,
        GradualMethod,
        HardwareSettings,
        HeadMethod,
        LoraMethod,
        NormMethod,
        OptimSettings,
        Phase,
        PreprocessSettings,
        PromptMethod,
        PrototypesMethod,
        QloraMethod,
    )
    from visionft.sharing import Pushed
    from visionft.sweeping import DrawRow, SweepResult, TrialRow
    from visionft.training import Listener, LoggerListener
    from visionft.wording.shown_table import Table
    from visionft.workflows.add_class import add_class
    from visionft.workflows.advise import advise
    from visionft.workflows.audit import audit
    from visionft.workflows.blend import blend
    from visionft.workflows.check import check
    from visionft.workflows.compare import compare
    from visionft.workflows.demo import Demo, demo
    from visionft.workflows.duplicates import duplicates
    from visionft.workflows.evaluate import evaluate
    from visionft.workflows.explain import explain
    from visionft.workflows.export import export
    from visionft.workflows.find_lr import find_lr
    from visionft.workflows.fit import fit
    from visionft.workflows.index import index
    from visionft.workflows.list_runs import list_runs
    from visionft.workflows.predict import predict
    from visionft.workflows.push import push
    from visionft.workflows.report import report
    from visionft.workflows.review import review
    from visionft.workflows.search import search
    from visionft.workflows.select import select
    from visionft.workflows.sweep import sweep

    __version__: str

__all__ = [
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

_ROOMS = {
    "bundle": ("Bundle", "Prediction", "PredictionFolder", "Predictions", "Unanswered"),
    "errors": ("VisionftError",),
    "evaluation": ("Evaluation", "Explained", "SideBySide"),
    "exporting": ("Exported",),
    "metrics": ("Metrics",),
    "runs": ("ListedRun", "Run", "RunList"),
    "wording.shown_table": ("Table",),
    "training": ("Listener", "LoggerListener"),
    "searching": ("Duplicates", "Found", "Hit", "Indexed", "LookAlike", "Matches"),
    "serving": ("Comparison",),
    "sharing": ("Pushed",),
    "workflows.demo": ("Demo",),
    "lr_finder": ("LrSuggestion",),
    "sweeping": ("DrawRow", "SweepResult", "TrialRow"),
    "advising": ("Advice", "Forecast"),
    "auditing": ("Audit", "Finding", "Selection"),
    "workflows": (
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
    ),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name on its first use (PEP 562), so that `import visionft` costs nothing."""
    if name == "__version__":
        value: Any = _version()
    elif name in __all__:
        value = getattr(import_module(f"visionft.{_ROOM_OF.get(name, 'settings')}"), name)
    else:
        raise AttributeError(f"module 'visionft' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("visionft")
    except PackageNotFoundError:
        return "0+source"  # read from a source tree that is not installed
