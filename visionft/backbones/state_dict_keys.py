"""Which tensors of a file are the backbone's: they may lie under any keys, behind any prefix, in an older layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from visionft.backbones.state_dict import Container
from visionft.compat.timm_private import checkpoint_filter
from visionft.errors import WeightsError

SHARED = 0.9  # of a container's names behind one prefix: it is a wrapper, and the rest stands beside the network
TRIED = 4  # prefixes of a container whose names fit best: a layer's own name may look like one
FOLLOWERS = frozenset({"ema", "averaged", "average", "swa", "teacher"})
"""Words in the names of smoothed weights, which are taken where a file has the others too, as timm does."""


@dataclass(frozen=True)
class Match:
    """A part of a file, seen as a backbone.

    Attributes:
        place: the keys and the prefix that lead to it.
        state: its tensors, by the backbone's names where timm's filter knows the layout.
        fitting: how many have the name and the shape of one of the backbone's.
    """

    place: str
    state: Mapping[str, Tensor]
    fitting: int

    @property
    def smoothed(self) -> bool:
        """Whether the names say that these weights follow others."""
        return bool(FOLLOWERS & set(self.place.replace("_", ".").replace("-", ".").lower().split(".")))


def matched(containers: Sequence[Container], backbone: nn.Module, path: Path) -> Mapping[str, Tensor]:
    """Return the tensors that fit the backbone best, by its own names.

    Args:
        containers: what the file holds.
        backbone: a timm model without a classifier.
        path: of the file, for words.

    Raises:
        WeightsError: two different sets of weights fit equally well.
    """
    matches = [_match(place, state, backbone) for place, state in _candidates(containers, backbone.state_dict())]
    most = max(match.fitting for match in matches)
    best = [match for match in matches if match.fitting == most]
    best = [match for match in best if match.smoothed] or best
    if most and (other := next((match for match in best[1:] if _differ(best[0], match, backbone)), None)):
        places = " and ".join(match.place.rstrip(".") or "its own names" for match in (best[0], other))
        raise WeightsError(f"{path} holds two sets of weights that fit ({places}); save one of them alone")
    return best[0].state if most else max(best, key=lambda match: len(match.state)).state


def _candidates(
    containers: Sequence[Container], wanted: Mapping[str, Tensor]
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield parts of a file that may be the backbone, with the keys and the prefix that lead to them."""
    for keys, tensors in containers:
        prefixes = dict.fromkeys(["", *_fitting_prefixes(tensors, wanted), *_shared_prefixes(tensors)])
        for prefix in prefixes:
            yield keys + prefix, _beneath(tensors, prefix)


def _fitting_prefixes(names: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """Return what stands before the backbone's names most often."""
    found: Counter[str] = Counter()
    for name in names:
        start = 0
        while start >= 0:
            if name[start:] in wanted:
                found[name[:start]] += 1
            dot = name.find(".", start)
            start = dot + 1 if dot >= 0 else -1
    return [prefix for prefix, _ in found.most_common(TRIED)]


def _shared_prefixes(names: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield what stands before nearly all names: a foreign layout, which timm's filter translates, has none of ours."""
    prefix, within = "", list(names)
    while within:
        firsts = Counter(name[len(prefix) :].partition(".")[0] for name in within if "." in name[len(prefix) :])
        if not firsts:
            return
        first, count = firsts.most_common(1)[0]
        if count <= SHARED * len(within):
            return
        prefix = f"{prefix}{first}."
        within = [name for name in within if name.startswith(prefix)]
        yield prefix


def _beneath(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _match(place: str, state: dict[str, Tensor], backbone: nn.Module) -> Match:
    wanted, translated = backbone.state_dict(), _filtered(state, backbone)
    fitting = sum(name in wanted and value.shape == wanted[name].shape for name, value in translated.items())
    return Match(place, translated, fitting)


def _filtered(state: dict[str, Tensor], backbone: nn.Module) -> Mapping[str, Tensor]:
    """Let the filter of timm's model family translate older layouts and resample position embeddings."""
    translate = checkpoint_filter(backbone)
    if translate is None:
        return state
    try:
        translated = translate(dict(state), backbone)
    except Exception:  # noqa: BLE001  # a filter may trip over a file of another family in any way; the misfit is told from the names
        return state
    return translated


def _differ(one: Match, other: Match, backbone: nn.Module) -> bool:
    """Tell whether two matches would give the backbone other numbers."""
    names = [name for name in backbone.state_dict() if name in one.state and name in other.state]
    return any(not torch.equal(one.state[name], other.state[name]) for name in names)
