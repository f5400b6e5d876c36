"""The pairs that imagededup says of a folder, in a Python that has it; one line of JSON.

python benchmarks/peer_copies.py PHash|CNN FOLDER WEIGHTS
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def method_of(name: str, weights: str) -> Any:
    """Return imagededup's method; its CNN with the weights that are given, as its own are not in its package."""
    from imagededup import methods

    if name == "PHash":
        return methods.PHash(verbose=False)
    import timm
    from imagededup.utils.models import CustomModel, MobilenetV3
    from safetensors.torch import load_file

    model = timm.create_model("mobilenetv2_100", num_classes=0)
    model.load_state_dict({k: v for k, v in load_file(weights).items() if not k.startswith("classifier")})
    config = CustomModel(name="mobilenetv2_100", model=model.eval(), transform=MobilenetV3.transform)
    return methods.CNN(verbose=False, model_config=config)


def main() -> None:
    """Encode every photo, compare all pairs, and print what is said."""
    name, folder, weights = sys.argv[1:]
    began = time.monotonic()
    method = method_of(name, weights)
    encoded = method.encode_images(folder, recursive=True)
    looked = time.monotonic() - began
    found = method.find_duplicates(encoding_map=encoded)
    pairs = sorted({tuple(sorted((name, other))) for name, others in found.items() for other in others})
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"seconds": seconds, "seconds_looking": round(looked, 1), "pairs": pairs}))


if __name__ == "__main__":
    main()
