"""An index as a classifier: the classes of its photos, voted for by those that are nearest to a photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from visionft.bundle.prediction_rows import Answer, Prediction, Unanswered
from visionft.bundle.predictions import Predictions
from visionft.errors import SearchIndexError
from visionft.searching.ask import permitted
from visionft.searching.look_up import Question, look_up
from visionft.searching.origin import Vectors
from visionft.searching.store import Store
from visionft.searching.vote import Vote, fit_vote


@dataclass(frozen=True, eq=False, repr=False)
class Voted(Predictions):
    """The answers of an index, with how they were voted for.

    Attributes:
        by: the index as a classifier.
    """

    by: Classifier | None = None

    def _summary(self) -> str:
        return f"{super()._summary()}\n{self.by}"

    @property
    def mark(self) -> dict[str, Any]:
        """What JSON says of the vote and of the threshold."""
        return {} if self.by is None else {"vote": self.by.vote.to_json(), "threshold": self.by.threshold}


@dataclass(frozen=True)
class Classifier:
    """What an index needs to answer with classes.

    Attributes:
        classes: (C,) labels of its photos, in plain string order.
        vote: of the nearest photos.
        threshold: cosine of the nearest photo below which a photo is unknown; None: none was fitted.
    """

    classes: tuple[str, ...]
    vote: Vote
    threshold: float | None

    @classmethod
    def of(cls, store: Store) -> Classifier:
        """Read it from an index; SearchIndexError where no photo has a class."""
        classes = tuple(sorted(set(store.labels().values())))
        if not classes:
            raise SearchIndexError(
                f"no photo of the index {store.folder} has a class to answer with; index photos in class folders, or a "
                "manifest with a column of labels, or search with `visionft search`"
            )
        record = store.fact("vote")  # an index of an older version has none
        vote = fit_vote(store) if record is None else Vote.from_json(record)
        return cls(classes, vote, None if store.threshold is None else store.threshold.value)

    def answers(self, store: Store, queries: Sequence[Vectors]) -> list[Answer]:
        """Return the answer to each query (D,) of length 1, as a classifier's; `known_score` is the nearest cosine."""
        allowed = permitted(store.folder, "label IS NOT NULL", store.columns)
        found = look_up(store, queries, Question(self.vote.k, allowed=allowed))
        places = {name: place for place, name in enumerate(self.classes)}
        told = []
        for query, hits in zip(queries, found, strict=True):
            scores = np.array([[hit.score for hit in hits]], np.float32)
            labels = np.array([[places[str(hit.label)] for hit in hits]], np.int64)
            shares = self.vote.probabilities(scores, labels, len(self.classes))[0].astype(np.float32)
            best, nearest = int(shares.argmax()), float(scores.max())
            unknown = self.threshold is not None and nearest < self.threshold
            told.append(
                Answer(self.classes[best], best, float(shares[best]), shares, np.log(shares), query, nearest, unknown)
            )
        return told

    def predictions(self, store: Store, queries: Sequence[tuple[str, Vectors | str, bool]]) -> Voted:
        """Return a row for each query, in order.

        Args:
            store: open for reading, within one view of its rows.
            queries: the name of each, its embedding (D,) or the reason why it has none, and whether it was named.
        """
        found = iter(self.answers(store, [query for _, query, _ in queries if not isinstance(query, str)]))
        rows = tuple(
            Unanswered(name, query, named) if isinstance(query, str) else Prediction.of(name, next(found))
            for name, query, named in queries
        )
        return Voted(rows, self.classes, by=self)

    def __str__(self) -> str:
        if self.threshold is None:
            return f"{self.vote}\nnone is unknown, as the index has no threshold"
        return f"{self.vote}\nunknown are photos whose nearest has a cosine below {self.threshold:.4f}"
