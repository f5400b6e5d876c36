"""Which method to take: a small rule over measured rows and counted photos, read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from visionft.advising.first_look import FirstLook
from visionft.advising.method_costs import SOLVED, Row
from visionft.training.eta import spoken

HOPED = 0.5  # of a solved head's errors, which fine-tuning takes off: 13.7 to 6.2 % on clothing (docs/measured.md)
FEW = 10  # photos a class
LIGHT = 0.05  # of all parameters
BETTER = 0.75  # of full fine-tuning's time or memory: a fit's own time varies by less than the rest
AS_MUCH = 1.05  # of the other one
SMALL_FILE = 0.5  # of all weights
LOW_RANK = ("lora", "qlora")  # updates of all layers, which come nearest to full fine-tuning


@dataclass(frozen=True)
class Recommendation:
    """What to take, and why.

    Attributes:
        method: its name.
        reason: one or two sentences.
    """

    method: str
    reason: str


Tried = Mapping[str, Row]
Rule = Callable[[FirstLook, Tried], Recommendation | None]


def recommend(look: FirstLook, rows: Sequence[Row], *, small_files: bool = False, busy: bool = False) -> Recommendation:
    """Take the first rule that speaks.

    1. Where small files were asked for: the method of small files.
    2. Where halving the solved head's errors would stay within its 95 % interval: the head.
    3. Where classes have fewer than 10 photos: the quickest method that trains at most 5 % of the parameters.
    4. Where low-rank updates were measured here at 3/4 of full fine-tuning's time or memory, undisturbed: these.
    5. Full fine-tuning; where it was refused or left out, the quickest of the others.

    Args:
        look: accuracies of the frozen backbone, and counts.
        rows: of the compared methods.
        small_files: one small file a task beside a shared base is wanted.
        busy: other work ran on the machine, so that times of different methods cannot be compared.
    """
    tried = {row.method: row for row in rows if row.refusal is None}
    rules: list[Rule] = [
        *([_small_file] if small_files else []),
        _head_is_enough,
        _few_photos,
        *([] if busy else [_measured_better]),
        _most,
    ]
    for rule in rules:
        found = rule(look, tried)
        if found:
            return found
    return Recommendation("head", "no other method was tried here; the head alone is solved in no time")


def _small_file(look: FirstLook, tried: Tried) -> Recommendation | None:
    whole = look.stored_bytes / 1e6
    small = [row for row in tried.values() if row.own_file and row.stored_mb <= SMALL_FILE * whole]
    if not small:
        return None
    row = tried["lora"] if tried.get("lora") in small else min(small, key=lambda row: row.stored_mb)
    return Recommendation(
        row.method,
        f"each task is a file of {row.stored_mb:.2g} MB beside a base that all of them share, instead of "
        f"{whole:.3g} MB of weights of its own",
    )


def _head_is_enough(look: FirstLook, _: Tried) -> Recommendation | None:
    low, high = look.interval(look.probe_top1)
    if 1 - HOPED * (1 - look.probe_top1) > high:
        return None
    return Recommendation(
        "head",
        f"logistic regression answers {look.probe_top1:.1%} of {look.held_out} validation photos (95 % interval "
        f"{low:.1%} to {high:.1%}); fine-tuning that halved its errors could not be told from chance on so few errors",
    )


def _few_photos(look: FirstLook, tried: Tried) -> Recommendation | None:
    if look.photos_a_class >= FEW:
        return None
    counts = f"half of the classes have at most {look.photos_a_class:.0f} training photos"
    light = [row for row in tried.values() if row.method not in SOLVED and row.trained <= LIGHT * look.parameters]
    if not light:
        return Recommendation(
            "head", f"{counts}, and no other method here trains {LIGHT:.0%} of the parameters or fewer"
        )
    row = min(light, key=lambda row: row.seconds)
    return Recommendation(
        row.method,
        f"{counts}, so little should be trained: {row.method} trains {row.trained / look.parameters:.2%} of the "
        "parameters, and is the quickest of those here",
    )


def _measured_better(look: FirstLook, tried: Tried) -> Recommendation | None:
    full = tried.get("full")
    better = [tried[name] for name in LOW_RANK if name in tried and full and _beats(tried[name], full)]
    if not full or not better:
        return None
    row = min(better, key=lambda row: row.seconds)
    return Recommendation(row.method, f"{_gain(look)}, and here {_beside(row, full)}")


def _most(look: FirstLook, tried: Tried) -> Recommendation | None:
    others = [row for row in tried.values() if row.method not in SOLVED]
    if not others:
        return None
    full, lora = tried.get("full"), tried.get("lora")
    row = full or min(others, key=lambda row: row.seconds)
    if not full:
        return Recommendation(row.method, f"{_gain(look)}; of what was tried here {row.method} is the quickest")
    reason = (
        f"{_gain(look)}, and with {look.photos_a_class:.0f} photos a class all weights can be trained: about "
        f"{spoken(full.seconds)}"
    )
    if lora and _beats(lora, full):  # which is recommended by an earlier rule, unless it is not to be trusted
        reason += ". lora was measured as better here, but the machine was busy: try again when it is idle"
    elif lora:
        reason += f". Here {_beside(lora, full)}, so it pays for a small file a task ({lora.stored_mb:.2g} MB)"
    return Recommendation("full", reason)


def _beats(row: Row, full: Row) -> bool:
    time, memory = row.seconds / full.seconds, row.peak_memory_mb / full.peak_memory_mb
    return min(time, memory) <= BETTER and max(time, memory) <= AS_MUCH


def _gain(look: FirstLook) -> str:
    low, high = look.interval(look.probe_top1)
    return (
        f"logistic regression answers {look.probe_top1:.1%} of {look.held_out} validation photos ({low:.1%} to "
        f"{high:.1%}), which leaves room for fine-tuning"
    )


def _beside(row: Row, full: Row) -> str:
    return (
        f"{row.method} takes {row.seconds / full.seconds:.2f} times full fine-tuning's time and "
        f"{row.peak_memory_mb / full.peak_memory_mb:.2f} times its memory"
    )
