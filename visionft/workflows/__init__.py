"""The public verbs: each a function over values, the same in a notebook and on the command line.

Heavy rooms are imported inside the verbs: predicting with a bundle and comparing bundles load neither torch nor the
settings, and work where only what serving needs is installed (export/requirements-serve.txt).
"""

from visionft.workflows.auditing import audit
from visionft.workflows.checking import check
from visionft.workflows.comparing import compare
from visionft.workflows.fitting import advise, fit, require_advisable
from visionft.workflows.measuring import evaluate, predict
from visionft.workflows.shipping import blend, export

__all__ = ["advise", "audit", "blend", "check", "compare", "evaluate", "export", "fit", "predict", "require_advisable"]
