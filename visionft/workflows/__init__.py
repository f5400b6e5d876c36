"""The public verbs: each a function over values, the same in a notebook and on the command line.

Heavy rooms are imported inside the verbs: predicting with a bundle, comparing bundles and searching with one load
neither torch nor the settings, and work where only what serving needs is installed (export/requirements-serve.txt); a
search through approximate neighbours needs USearch beside it.
"""

from visionft.workflows.add_class import add_class
from visionft.workflows.advise import advise, require_advisable, require_forecastable
from visionft.workflows.audit import audit, quick_audit
from visionft.workflows.blend import blend
from visionft.workflows.check import check
from visionft.workflows.compare import compare
from visionft.workflows.demo import demo
from visionft.workflows.duplicates import duplicates
from visionft.workflows.evaluate import evaluate
from visionft.workflows.explain import explain
from visionft.workflows.export import export
from visionft.workflows.find_lr import find_lr, require_findable
from visionft.workflows.fit import fit
from visionft.workflows.index import index
from visionft.workflows.list_runs import list_runs
from visionft.workflows.predict import predict
from visionft.workflows.push import push
from visionft.workflows.report import report
from visionft.workflows.review import review, reviewed_photos
from visionft.workflows.search import search
from visionft.workflows.select import select
from visionft.workflows.sweep import sweep, sweep_plan

__all__ = [
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
    "quick_audit",
    "report",
    "require_advisable",
    "require_findable",
    "require_forecastable",
    "review",
    "reviewed_photos",
    "search",
    "select",
    "sweep",
    "sweep_plan",
]
