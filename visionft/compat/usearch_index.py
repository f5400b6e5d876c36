"""USearch's index, behind onnxruntime: imported the other way round, onnxruntime ends the process while it loads.

USearch brings its kernels with global symbols, which onnxruntime 1.32 then takes for its own.
"""

from __future__ import annotations

import onnxruntime  # noqa: F401  # before USearch, see above
from usearch.index import Index

__all__ = ["Index"]
