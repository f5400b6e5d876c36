"""The whole way through the Python API: `python examples/first_run.py [PHOTOS]`.

Photos become a fine-tuned model, its figures, some answers, and a bundle that was checked to answer the same.
Without PHOTOS, or where that folder is empty, the sample catalogue is rendered first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import visionft as vft

RENDER = Path(__file__).resolve().parent / "catalogue" / "render.py"
SHOWN = 3


def main() -> None:
    """Parse the command line and go the whole way."""
    given = parse()
    render_if_empty(given.photos)

    heading("1. fit: photos to a run")
    run = vft.fit(given.photos, out=given.out / "run", data={"depth": 1, "group_by": "parent"}, **flags(given))
    print(run)

    heading("2. evaluate: how good is it on photos that it never saw?")
    evaluation = vft.evaluate(run)
    print(evaluation)

    heading("3. predict: ask the run about some of them")
    asked = [given.photos / path for path in evaluation.predictions["path"].to_pylist()[:SHOWN]]
    answers = vft.predict(run, asked)
    print(answers)

    heading("4. export: the run to a bundle, checked on validation photos")
    exported = vft.export(run, given.out / "bundle")
    print(exported)

    heading("5. predict: the bundle, without torch, says the same")
    served = vft.predict(exported.bundle, asked)
    print(served)
    same = sum(a.label == b.label for a, b in zip(answers, served, strict=True))
    print(f"\n{same} of {len(asked)} labels are the same. Deploy {exported.bundle}; its README.md says how.")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Photos to a verified ONNX bundle, through the Python API.")
    parser.add_argument(
        "photos", type=Path, nargs="?", default=Path("build/first-run/photos"), help="a folder CLASS/SKU/photo.jpg"
    )
    parser.add_argument("--out", type=Path, default=Path("build/first-run"), help="folder of the run and the bundle")
    parser.add_argument("--backbone", help="a timm model name (default: one that suits the hardware)")
    parser.add_argument("--weights", help="hub, none or a file (default: hub, if it answers)")
    parser.add_argument("--epochs", type=int, help="passes over the photos (default: chosen by their number)")
    parser.add_argument("--size", type=int, help="side of the network's input in pixels (default: the backbone's)")
    return parser.parse_args()


def flags(given: argparse.Namespace) -> dict[str, Any]:
    """Return what was given as settings of `fit`; what was not stays on auto."""
    named = {
        "backbone": given.backbone,
        "weights": given.weights,
        "epochs": given.epochs,
        "preprocess.size": given.size,
    }
    return {name: value for name, value in named.items() if value is not None}


def render_if_empty(photos: Path) -> None:
    """Render the sample catalogue where there are no photos yet."""
    if not photos.exists() or not any(photos.iterdir()):
        subprocess.run([sys.executable, str(RENDER), str(photos)], check=True)


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n== {text}\n", flush=True)


if __name__ == "__main__":
    main()
