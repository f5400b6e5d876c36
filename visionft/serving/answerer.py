"""What answers photos, a run or a bundle: the one way from items to rows, kept in memory or written as they come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from visionft.bundle import Predictions, Row, Unanswered
from visionft.bundle.answers import Answers
from visionft.bundle.prediction_shards import Shards
from visionft.bundle.product_rows import Reading, UnansweredProduct
from visionft.photos import Item
from visionft.serving.streaming import Outcome, Photo, Progress, answered


@dataclass(frozen=True)
class Answerer:
    """An opened model.

    Attributes:
        prepare: from (H, W, 3) uint8 RGB to one input of the network; called in threads.
        answer: from inputs to as many answers; called in the thread of the caller.
        table: makes rows of answers, and a table of rows.
        classes: names that the answers stand for.
        threads: that make photos ready; None: one a core.
    """

    prepare: Callable[[Photo], Any]
    answer: Callable[[Sequence[Any]], Sequence[Any]]
    table: Answers
    classes: tuple[str, ...]
    threads: int | None = None

    def predictions(
        self, items: Iterable[Item], on_progress: Progress | None = None, total: int | None = None
    ) -> Predictions:
        """Answer items, and return a row for each in its place.

        Args:
            items: taken a few ahead of the answers.
            on_progress: called with the photos done, and with all of them.
            total: of the photos, where it is known.
        """
        found: dict[int, Row] = {}
        for outcome in self._outcomes(items):
            found[outcome.place] = self._row(outcome)
            if on_progress is not None:
                on_progress(len(found), total or len(found))
        return self.table.predictions(tuple(found[place] for place in range(len(found))), self.classes)

    def products(
        self,
        items: Iterable[Item],
        names: Sequence[str],
        reading: Reading,
        on_progress: Progress | None = None,
    ) -> Predictions:
        """Answer items, and return one row for each product, in the order in which they are first met.

        What is held is the answers of products whose photos are not all answered.

        Args:
            items: n photos.
            names: (n,) the product of each.
            reading: how the answer of several photos is read.
            on_progress: as of `predictions`.
        """
        left, held = Counter(names), defaultdict[str, list[Outcome[Any]]](list)
        found: dict[str, Any] = dict.fromkeys(names)
        unread: dict[int, Unanswered] = {}
        for done, outcome in enumerate(self._outcomes(items), 1):
            product = names[outcome.place]
            held[product].append(outcome)
            if outcome.answer is None:
                unread[outcome.place] = self._unanswered(outcome)
            left[product] -= 1
            if not left[product]:
                found[product] = self._product(product, held.pop(product), reading)
            if on_progress is not None:
                on_progress(done, len(names))
        rows = tuple(found.values())
        return self.table.product_predictions(rows, self.classes, tuple(unread[place] for place in sorted(unread)))

    def _product(self, product: str, outcomes: Sequence[Outcome[Any]], reading: Reading) -> Row:
        # By place, not by the order in which photos were ready: sums of floating-point numbers hang on it.
        outcomes = sorted(outcomes, key=lambda outcome: outcome.place)
        answers = [outcome.answer for outcome in outcomes if outcome.answer is not None]
        if not answers:
            return UnansweredProduct.of_photos(product, len(outcomes))
        together = self.table.together(answers, self.classes, reading)
        row: Row = self.table.product_row(product, together, len(answers), len(outcomes) - len(answers))
        return row

    def write(self, shards: Shards, numbers: Sequence[int]) -> Iterator[int]:
        """Write some files of answers, and yield the number of photos each time that one more is done.

        What is held is the rows of a file, and of another one for each photo that takes long after others.

        Args:
            shards: the folder.
            numbers: of the files, in order; only the last may be shorter than the others, so that each batch is made
                of the same photos whichever files are written.
        """
        held: dict[int, dict[int, Row]] = {}
        items = (item for number in numbers for item in shards.items(number))
        for done, outcome in enumerate(self._outcomes(items), 1):
            number = numbers[outcome.place // shards.rows]
            rows = held.setdefault(number, {})
            rows[outcome.place % shards.rows] = self._row(outcome)
            if len(rows) == len(shards.indices(number)):
                whole = tuple(rows[place] for place in range(len(rows)))
                shards.write(number, self.table.predictions(whole, self.classes))
                del held[number]
            yield done

    def _outcomes(self, items: Iterable[Item]) -> Iterator[Outcome[Any]]:
        return answered(items, self.prepare, self.answer, threads=self.threads)

    def _row(self, outcome: Outcome[Any]) -> Row:
        if outcome.answer is None:
            return self._unanswered(outcome)
        row: Row = self.table.row(outcome.name, outcome.answer)
        return row

    def _unanswered(self, outcome: Outcome[Any]) -> Unanswered:
        return Unanswered(outcome.name, outcome.problem or "", outcome.named)
