"""A catalogue under review: its cards, what people answered, and what they may answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visionft.data.suggestions import Suggestion
from visionft.errors import UsageError
from visionft.photos import printable
from visionft.reviewing.answer_file import AnswerFile, Lines, NothingToUndoError
from visionft.reviewing.cards import KINDS, Card
from visionft.wording.did_you_mean import did_you_mean

SKIP = "review"
"""The action of an answer that leaves a photo for later."""
ANSWERS = ("confirm", "relabel", "drop", SKIP)
STATES = ("open", "answered", "skipped", "all")
MOST = 200
"""Cards of one answer to the page."""


@dataclass
class Review:
    """What is reviewed.

    Attributes:
        name: the run or the photos, for people.
        root: folder that the photos' paths are relative to.
        classes: names of the classes that a photo may have.
        cards: in the order of the queue, each at its own number.
        file: the answers.
        who: answers, where the page names nobody else.
        notes: sentences to be shown first.
        max_pixels: photos of more are not shown.
    """

    name: str
    root: Path
    classes: Sequence[str]
    cards: Sequence[Card]
    file: AnswerFile
    who: str
    notes: Sequence[str] = ()
    max_pixels: int = 200_000_000
    _place: dict[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._place = {card.path: card.number for card in self.cards}

    def card(self, number: int) -> Card:
        """Return a card by its number; UsageError where there is none."""
        if not 0 <= number < len(self.cards):
            raise UsageError(f"there is no photo {number}; give a number from 0 to {len(self.cards) - 1}")
        return self.cards[number]

    def shown(self, card: Card) -> dict[str, Any]:
        """Return a card in plain values, with its answer."""
        answer = self.file.answer(card.path)
        return {
            "number": card.number,
            "path": printable(card.path),
            "label": card.label,
            "kind": card.kind,
            "why": [printable(why) for why in card.why],
            "proposed": card.proposed,
            "sure": card.sure,
            "other": card.other,
            "other_path": None if card.other is None else printable(self.cards[card.other].path),
            "other_label": None if card.other is None else self.cards[card.other].label,
            "answer": None if answer is None else self.told(answer),
        }

    def told(self, row: Suggestion) -> dict[str, Any]:
        """Return an answer in plain values."""
        return {"number": self._place.get(row.path), "path": printable(row.path), "action": row.action,
                "value": row.value, "who": row.who, "when": row.when}  # fmt: skip

    def page(self, kind: str, label: str, state: str, start: int, most: int, *, back: bool = False) -> dict[str, Any]:
        """Return cards of the queue that match, and whether there are more.

        Args:
            kind: one of `KINDS`; empty: every kind.
            label: a class; empty: every class.
            state: one of `STATES`.
            start: number of the first card that is looked at.
            most: cards at most.
            back: look from there to the beginning.
        """
        found: list[dict[str, Any]] = []
        answered = self.file.answered()
        for card in self._from(start, back):
            if (kind and card.kind != kind) or (label and card.label != label):
                continue
            if state != "all" and _state(answered.get(card.path)) != state:
                continue
            if len(found) == min(most, MOST):
                return {"cards": found, "more": True}
            found.append(self.shown(card))
        return {"cards": found, "more": False}

    def _from(self, start: int, back: bool) -> Iterator[Card]:
        numbers = range(min(start, len(self.cards) - 1), -1, -1) if back else range(max(0, start), len(self.cards))
        return (self.cards[number] for number in numbers)

    def overview(self) -> dict[str, Any]:
        """Return what the page shows around the cards."""
        self.file.refresh()
        lines = self.file.since(-1, 0)  # before the answers are counted: one that comes between is told of later
        counts = Counter(card.kind for card in self.cards)
        kinds = [
            {"name": kind, "title": KINDS[kind].title, "means": KINDS[kind].means, "number": counts[kind]}
            for kind in KINDS
            if counts[kind]
        ]
        return {"name": self.name, "classes": list(self.classes), "kinds": kinds, "photos": len(self.cards),
                "who": self.who, "file": str(self.file.path), "notes": list(self.notes),
                **_read_up_to(lines), **self.progress()}  # fmt: skip

    def progress(self) -> dict[str, Any]:
        """Return how many photos were answered, of each kind and by what."""
        rows = [row for path, row in self.file.answered().items() if path in self._place]
        actions = Counter(row.action for row in rows)
        kinds = Counter(self.cards[self._place[row.path]].kind for row in rows if row.action != SKIP)
        return {"answered": sum(kinds.values()), "actions": dict(actions), "answered_kinds": dict(kinds)}

    def answer(self, number: int, action: str, value: str, who: str) -> dict[str, Any]:
        """Write an answer; return the card as it stands then, the answer, and the one that stood before.

        A photo that has an answer keeps it where it is skipped: that answer is returned, and `written` is false.

        Raises:
            UsageError: no such photo, action or class.
            DataError, DiskSpaceError: it could not be written.
        """
        card = self.card(number)
        if action not in ANSWERS:
            raise UsageError(f"there is no answer {printable(action)!r}; give one of {', '.join(ANSWERS)}")
        if action == "relabel" and value not in self.classes:
            near = did_you_mean(value, list(self.classes))
            raise UsageError(
                f"there is no class {printable(value)!r}{near}; give one of the {len(self.classes):,} classes"
            )
        if action == "relabel" and value == card.label:
            action = "confirm"
        given = {"confirm": card.label, "relabel": value}.get(action, "")
        line = (card.path, action, given, f"review: {'; '.join(card.why) or 'looked at'}", who or self.who)
        before, written = None, True
        if action == SKIP:
            row, written = self.file.append_if_open(*line)
        else:
            row, before = self.file.append(*line)
        told = None if before is None else self.told(before)
        return {"card": self.shown(card), "answer": self.told(row), "before": told, "written": written,
                **self.progress()}  # fmt: skip

    def undo(self, number: int | None, when: str, who: str) -> dict[str, Any]:
        """Take a person's answer back: that of a photo at `when`, or the last one; return its card.

        Raises:
            NothingToUndoError: there is nothing to take back, or it is somebody else's.
            UsageError: no such photo.
            DataError, DiskSpaceError: it could not be written.
        """
        who = who or self.who
        self.file.refresh()
        if number is None:
            last = self.file.last_of(who)
            if last is None or last.path not in self._place:
                raise NothingToUndoError(f"there is no answer of {printable(who)} to take back")
            number, when = self._place[last.path], last.when
        card = self.card(number)
        taken, written = self.file.undo(card.path, when, who)
        return {"card": self.shown(card), "taken": self.told(taken), "when": written.when, **self.progress()}

    def changes(self, since: int) -> dict[str, Any]:
        """Return lines of the file from a number on, by whomever they are, and up to which they go."""
        self.file.refresh()
        lines = self.file.since(since, MOST)
        return {"changes": [self.told(row) for row in lines.rows], **_read_up_to(lines), **self.progress()}


def _read_up_to(lines: Lines) -> dict[str, int]:
    return {"lines": lines.end, "edits": lines.edits}


def _state(answer: Suggestion | None) -> str:
    if answer is None:
        return "open"
    return "skipped" if answer.action == SKIP else "answered"
