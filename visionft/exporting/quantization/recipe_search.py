"""Which recipe suits this network: each is tried on training photos, with ever more of its nodes left in float."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle.names import LOGITS, PIXELS
from visionft.errors import BackboneError
from visionft.exporting.quantization.recipes import Recipe, half_precision, recipes
from visionft.exporting.quantization.speed import LEAST, race
from visionft.serving.onnx_session import open_model

CALIBRATING = 96
"""Training photos that give the ranges of activations."""
CHOOSING = 160
"""Further training photos, on which recipes are compared: the validation photos are kept for the gate."""
LOOKED_AT = 32
"""Photos by which the error of single nodes is told."""
STRETCHES = 24
"""Most groups of neighbouring nodes that are quantised alone to see what each does."""
REFINED = 2
"""Groups, the worst first, whose nodes are also looked at one by one: often a single one does nearly all the harm."""
LEFT = (1, 4)
"""Groups or single nodes, the worst first, that are left in float, a third at most; a sixth is tried too."""
RACED = (1, 32)
"""Batch sizes at which speed is compared."""
RACE_SECONDS = 4.0
SPEED_KEPT = 0.6
"""Share of the fastest trial's speed that the others must reach to be chosen for their labels."""

Say = Callable[[str, int, int], None]
Finish = Callable[[ModelProto], ModelProto]


def _as_it_is(core: ModelProto) -> ModelProto:
    return core


@dataclass(frozen=True, eq=False)
class Trial:
    """A recipe as it did on training photos.

    Attributes:
        name: of the recipe.
        left: names of the nodes left in float.
        core: what came out.
        changed: share of photos whose label differs from fp32's, in [0, 1].
        error: Euclidean distance of all logits from fp32's, relative to theirs.
        ratio: how many times as fast as fp32 it is, at the better of `RACED`.
    """

    name: str
    left: tuple[str, ...]
    core: ModelProto
    changed: float
    error: float
    ratio: float


def search(
    core: ModelProto, precision: str, pixels: NDArray[np.float32], on_progress: Say, finish: Finish = _as_it_is
) -> Trial:
    """Return the recipe that measures best here.

    Args:
        core: in fp32.
        precision: `fp16` or `int8`.
        pixels: (n, 3, h, w) of training photos; the first `CALIBRATING` give ranges, at most half of them.
        on_progress: called with the stage, how many trials are done and how many there are.
        finish: makes a core answer that needs something of the caller's.

    Raises:
        BackboneError: no recipe suits the network.
    """
    cut = min(CALIBRATING, len(pixels) // 2)
    bench = Bench(core, pixels[cut:], finish)
    if precision == "fp16":
        return bench.trial("float16 weights and arithmetic", (), half_precision(core))
    found = recipes(core, pixels[:cut])
    if not found:
        raise BackboneError(
            "the network has hardly a weight in convolutions or matrix products, which int8 makes smaller: "
            "give --precision fp16 or fp32"
        )
    return choose([trial for recipe in found for trial in _trials(recipe, bench, on_progress)])


def choose(trials: Sequence[Trial]) -> Trial:
    """Return, of the trials nearly as fast as the fastest, the one that changes fewest labels, then logits least."""
    fastest = max(trial.ratio for trial in trials)
    quick = [trial for trial in trials if trial.ratio >= SPEED_KEPT * fastest]
    return min(quick, key=lambda trial: (trial.changed, trial.error))


class Bench:
    """Measures shrunken cores beside the one in fp32.

    Args:
        core: in fp32.
        pixels: (n, 3, h, w) of training photos that gave no ranges.
        finish: applied to each core before it is asked.
    """

    def __init__(self, core: ModelProto, pixels: NDArray[np.float32], finish: Finish = _as_it_is) -> None:
        self.pixels, self._finish = pixels, finish
        self._session = self._opened(core)
        self._logits = _logits(self._session, pixels)

    def trial(self, name: str, left: Sequence[str], core: ModelProto) -> Trial:
        """Measure labels, logits and speed."""
        session = self._opened(core)
        logits = _logits(session, self.pixels)
        changed = float((logits.argmax(1) != self._logits.argmax(1)).mean())
        ratios = [self._race(session, size) for size in RACED]
        return Trial(name, tuple(left), core, changed, _distance(logits, self._logits), max(ratios))

    def error(self, core: ModelProto) -> float:
        """Return the relative distance of the logits of `LOOKED_AT` photos."""
        logits = _logits(self._opened(core), self.pixels[:LOOKED_AT])
        return _distance(logits, self._logits[:LOOKED_AT])

    def _opened(self, core: ModelProto) -> ort.InferenceSession:
        return open_model(self._finish(core).SerializeToString())

    def _race(self, session: ort.InferenceSession, size: int) -> float:
        feed = {PIXELS: np.resize(self.pixels, (size, *self.pixels.shape[1:]))}
        one, two = (lambda s=s: s.run(None, feed) for s in (self._session, session))
        return race(one, two, LEAST, RACE_SECONDS).ratio


def _trials(recipe: Recipe, bench: Bench, on_progress: Say) -> list[Trial]:
    """Try a recipe whole, and without the nodes that do the most harm."""
    trials = [bench.trial(recipe.name, (), recipe.apply(()))]
    ranked = worst_first(recipe, bench, on_progress)
    for count in sorted({min(count, max(1, len(ranked) // 3)) for count in (*LEFT, len(ranked) // 6 or 1)}):
        left = [name for group in ranked[:count] for name in group]
        trials.append(bench.trial(recipe.name, left, recipe.apply(left)))
    return trials


def worst_first(recipe: Recipe, bench: Bench, on_progress: Say) -> list[tuple[str, ...]]:
    """Return groups of neighbouring nodes in falling order of the error that each causes where it alone is int8.

    The worst groups are taken apart into single nodes, which take their own places in the order.
    """
    size = -(-len(recipe.nodes) // STRETCHES)
    groups = [recipe.nodes[start : start + size] for start in range(0, len(recipe.nodes), size)]
    steps = len(groups) + (REFINED * size if size > 1 else 0)

    def looked_at(some: Sequence[tuple[str, ...]], done: int) -> list[tuple[float, tuple[str, ...]]]:
        errors = []
        for number, group in enumerate(some):
            on_progress("looking for sensitive nodes", done + number, steps)
            errors.append(bench.error(recipe.apply([name for name in recipe.nodes if name not in group])))
        return list(zip(errors, some, strict=True))

    found = _worst(looked_at(groups, 0))
    single = [(name,) for _, group in found[:REFINED] for name in group if len(group) > 1]
    kept = [pair for pair in found if len(pair[1]) == 1 or pair not in found[:REFINED]]
    return [group for _, group in _worst(kept + looked_at(single, len(groups)))]


def _worst(found: Sequence[tuple[float, tuple[str, ...]]]) -> list[tuple[float, tuple[str, ...]]]:
    return sorted(found, key=lambda pair: -pair[0])


def _logits(session: ort.InferenceSession, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, C), each photo alone: a dynamic recipe answers by the photos beside it too."""
    return np.concatenate([session.run([LOGITS], {PIXELS: pixels[i : i + 1]})[0] for i in range(len(pixels))])


def _distance(found: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(found - truth) / max(float(np.linalg.norm(truth)), 1e-12))
