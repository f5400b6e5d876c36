"""Claim: a change of the code's form leaves the bits of a run as they are: weights, figures and ONNX answers.

python benchmarks/same_bits.py PHOTOS OUT.json [--weights FILE --backbone NAME]    digests of three runs
python benchmarks/same_bits.py --compare OLD.json NEW.json                         exit code 1 where a digest differs

Run it before and after a change, on one machine: on another one the last bits may differ. Times and places, which
differ between any two runs, are left out of the metrics before they are hashed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

METHODS = ("head", "full", "lora")
# Where the head is solved first it may stay the best, and then the weights would say nothing of the steps.
STEPS = [
    *("--epochs", "2", "--method.head-first", "false"),
    *("--hardware.precision", "fp32", "--optim.micro-batch", "16"),
]
MOVING = ("seconds", "_s", "memory", "rate", "path", "run", "created", "duration")


def command(*arguments: str) -> str:
    """Run one visionft command of this environment; return what it prints, and show it where it fails."""
    done = subprocess.run([sys.executable, "-m", "visionft", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"visionft {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


def still(value: Any) -> Any:
    """Return a JSON value without the entries that differ between two runs of one program."""
    if isinstance(value, dict):
        return {key: still(entry) for key, entry in value.items() if not key.endswith(MOVING)}
    return [still(entry) for entry in value] if isinstance(value, list) else value


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def onnx_answers(bundle: Path) -> str:
    """Return the SHA-256 of the outputs that a bundle's graph gives for its golden photos' pixels."""
    import numpy as np
    import onnxruntime as ort

    alone = ort.SessionOptions()
    alone.intra_op_num_threads = 1  # several threads may add up in another order from one call to the next
    session = ort.InferenceSession(bundle / "model.onnx", alone, providers=["CPUExecutionProvider"])
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
    side = [size if isinstance(size, int) else 224 for size in shape[1:]]
    pixels = np.random.default_rng(0).integers(0, 256, (4, *side), dtype=np.uint8)
    answers = session.run(None, {name: pixels})
    # The labels are Python strings: their bytes in an array would be addresses.
    return digest(b"".join(repr(answer.tolist()).encode() for answer in answers))


def digests(photos: Path, method: str, given: list[str], place: Path) -> dict[str, str]:
    """Return the digests of a run of one method and of its bundle."""
    run, bundle = place / method, place / f"{method}-bundle"
    steps = [] if method == "head" else STEPS
    command("fit", str(photos), "--out", str(run), "--method", method, "--seed", "0", *steps, *given)
    command("export", str(run), "--out", str(bundle))
    metrics = json.dumps(still(json.loads(command("evaluate", str(run), "--json").splitlines()[-1])), sort_keys=True)
    return {
        "weights.safetensors": digest((run / "weights.safetensors").read_bytes()),
        "metrics of the test split": digest(metrics.encode()),
        "onnx outputs": onnx_answers(bundle),
    }


def compare(old: Path, new: Path) -> int:
    """Print what differs between two files of digests; return 1 if anything does."""
    before, after = (json.loads(path.read_text()) for path in (old, new))
    rows = [(method, name) for method in before for name in before[method]]
    moved = [row for row in rows if before[row[0]][row[1]] != after[row[0]][row[1]]]
    for method, name in rows:
        print(f"{method:5} {name:26} {'DIFFERS' if (method, name) in moved else 'equal'} {after[method][name][:16]}")
    return 1 if moved else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("places", type=Path, nargs=2)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--backbone", default="visionft_pico")
    parser.add_argument("--weights")
    given = parser.parse_args()
    if given.compare:
        raise SystemExit(compare(*given.places))
    flags = ["--backbone", given.backbone, *(["--weights", given.weights] if given.weights else [])]
    with tempfile.TemporaryDirectory() as kept:
        found = {method: digests(given.places[0], method, flags, Path(kept)) for method in METHODS}
    given.places[1].write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
