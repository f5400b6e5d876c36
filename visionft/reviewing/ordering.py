"""The order in which photos are worth looking at: each photo once, under its gravest doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from visionft.reviewing.cards import KINDS, Card, Doubt

_RANK = {kind: at for at, kind in enumerate(KINDS)}


def _first(doubt: Doubt) -> tuple[int, tuple[float, ...], str]:
    return _RANK[doubt.kind], tuple(-value for value in doubt.worth), doubt.path


def queue(doubts: Iterable[Doubt], labels: Mapping[str, str]) -> list[Card]:
    """Return a card for every photo: by kind, within a kind by worth, then the photos without a doubt by path.

    A photo of several doubts stands where the gravest has it, with all of them in words; what is proposed is that of
    the gravest that proposes something. A doubt about a photo that is not there is passed over.

    Args:
        doubts: in any order; several may be about one photo.
        labels: class by path, of every photo.
    """
    about: dict[str, list[Doubt]] = {}
    for doubt in sorted((doubt for doubt in doubts if doubt.path in labels), key=_first):
        about.setdefault(doubt.path, []).append(doubt)
    order = [*about, *sorted(labels.keys() - about.keys())]
    place = {path: number for number, path in enumerate(order)}
    return [_card(place, path, labels[path], about.get(path, ())) for path in order]


def _card(place: Mapping[str, int], path: str, label: str, doubts: Sequence[Doubt]) -> Card:
    if not doubts:
        return Card(place[path], path, label)
    proposing = next((doubt for doubt in doubts if doubt.proposed and doubt.proposed != label), None)
    other = next((doubt.other for doubt in doubts if doubt.other in place), None)
    return Card(
        place[path],
        path,
        label,
        doubts[0].kind,
        tuple(dict.fromkeys(doubt.why for doubt in doubts)),
        proposing.proposed if proposing else "",
        proposing.sure if proposing else None,
        None if other is None else place[other],
    )
