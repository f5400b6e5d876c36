"""Canary: USearch and onnxruntime in one process, as a search without torch has them."""

from __future__ import annotations

import subprocess
import sys


def test_both_are_loaded_in_one_process() -> None:
    code = (
        "import sys\nfrom visionft.compat.usearch_index import Index\nimport onnxruntime, numpy as np\n"
        "index = Index(ndim=3, metric='cos')\nindex.add(1, np.ones(3, np.float32))\n"
        "print(len(index), 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.stdout == "1 False\n", f"the order of imports in compat/usearch_index.py does not help: {told.stderr}"
