"""Shipping several heads: softmax and label of each in one graph, compared with the trained model head by head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.exporting.parity_photos import Photo
from visionft.exporting.photo_parity import TOGETHER, WHOLE, Worst, compare_each, compare_sample
from visionft.exporting.reference_answers import Answerer, Reference, Truth
from visionft.exporting.stage_parity import Answers, Progress, Stages, differs, largest
from visionft.metrics import Postprocess
from visionft.tasks.multihead.answers import CLASS_INDICES, LABEL_PROBABILITIES, LABELS, answer_of
from visionft.tasks.multihead.head_card import card
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_temperatures import HeadPostprocess

TOLERANCE = 1e-3
"""Of a probability, as classes have it; the label of a head may be another where two are nearer to each other."""
SCORE_TOLERANCE = 1e-2
TEMPERATURE = "temperature_of_{}"
"""Name of the initializer of a head's temperature, to be changed later."""


@dataclass
class _Tally(Worst):
    """What was seen so far."""

    answering: HeadPostprocess = field(kw_only=True)
    n: int = 0
    by_head: dict[str, float] = field(default_factory=dict)
    same: dict[str, int] = field(default_factory=dict)
    ties: int = 0

    def note(self, check: str, found: NDArray[np.floating], wanted: NDArray[np.floating], path: str = "") -> None:
        """Keep the largest difference of probabilities (n, K) of each head too."""
        super().note(check, found, wanted, path)
        for name, own in zip(self.heads.names, self.heads.slices, strict=True):
            self.by_head[name] = max(self.by_head.get(name, 0.0), largest(found[..., own] - wanted[..., own]))

    def note_photo(self, photo: Photo, answer: Any, truth: Reference, place: int) -> None:
        """Compare a photo's probabilities (K,), and the label of each head (H,), with the trained model's."""
        self.n += 1
        wanted, best = truth.probabilities[place], self.heads.best(truth.logits[place : place + 1])[0]
        self.note(WHOLE, answer.probabilities, wanted, photo.path)
        for at, name in enumerate(self.heads.names):
            same = int(answer.class_indices[at]) == int(best[at] + self.heads.starts[at])
            tie = not same and near_tie(wanted[self.heads.slices[at]])
            self.same[name] = self.same.get(name, 0) + (same or tie)
            self.ties += tie

    def note_together(self, photo: Photo, answer: Any, truth: Reference, place: int) -> None:  # noqa: ARG002
        """Compare the probabilities of a photo that was answered in a batch."""
        self.note(TOGETHER, answer.probabilities, truth.probabilities[place])

    def note_outputs(self, check: str, found: NDArray[np.float32], truth: Reference) -> None:
        """Compare the probabilities of what the network half gives."""
        self.note(check, self.answering.probabilities(found), truth.probabilities)

    @property
    def heads(self) -> Heads:
        """The heads."""
        return self.answering.heads

    @property
    def other(self) -> dict[str, int]:
        """Photos with another label, ties apart, by the heads that have some."""
        return {name: self.n - same for name, same in self.same.items() if same < self.n}


def near_tie(probabilities: NDArray[np.floating]) -> bool:
    """Tell whether the two largest of a head's probabilities (C,) are so near that a rounding decides."""
    first, second = np.sort(probabilities)[:-3:-1]
    return bool(first - second < 2 * TOLERANCE)


class HeadsShipping:
    """Outputs of the graph: see `visionft.tasks.multihead.answers`."""

    def append(self, model: ModelProto, classes: Sequence[str] | None, answering: Postprocess) -> None:
        """Append a softmax and a choice for each head; the temperatures stay initializers, to be changed.

        Each head is computed by itself, so that no other one changes a bit of it.
        """
        assert isinstance(answering, HeadPostprocess), "heads are read by their temperatures"
        assert classes is not None, "heads have the names of their classes"
        heads, node = answering.heads, helper.make_node
        constants: dict[str, Any] = {
            "head_sizes": np.array(heads.sizes, np.int64),
            "head_starts": heads.starts,
            "label_names": np.array([name for own in heads.own for name in own], dtype=object),
        }
        parts = [[f"{what}_of_{name}" for name in heads.names] for what in ("logits", "scaled", "softmax", "place")]
        nodes = [node("Split", [n.LOGITS, "head_sizes"], parts[0], "split_heads", axis=1)]
        for name, temperature, logits, scaled, softmax, place in zip(
            heads.names, answering.temperatures, *parts, strict=True
        ):
            constants[TEMPERATURE.format(name)] = temperature
            nodes += [
                node("Div", [logits, TEMPERATURE.format(name)], [scaled], f"calibrate_{name}"),
                node("Softmax", [scaled], [softmax], f"softmax_{name}", axis=1),
                node("ArgMax", [logits], [place], f"best_{name}", axis=1, keepdims=1),
            ]
        nodes += [
            node("Concat", parts[2], [n.PROBABILITIES], "join_probabilities", axis=1),
            node("Concat", parts[3], ["places"], "join_places", axis=1),
            node("Add", ["places", "head_starts"], [CLASS_INDICES], "among_all"),
            node("GatherElements", [n.PROBABILITIES, CLASS_INDICES], [LABEL_PROBABILITIES], "of_labels", axis=1),
            node("Gather", ["label_names", CLASS_INDICES], [LABELS], "name_labels", axis=0),
        ]
        model.graph.initializer.extend(
            numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
        )
        model.graph.node.extend(nodes)

    def prove(
        self,
        session: Answers,
        trained: Truth,
        stages: Stages,
        photos: Iterator[Photo],
        total: int,
        on_progress: Progress | None,
    ) -> dict[str, Any]:
        """Compare probabilities and labels of every head on every photo, the first ones in batches and half by half."""
        assert isinstance(trained.answering, HeadPostprocess), "heads are read by their temperatures"
        tally = _Tally(answering=trained.answering)
        _, sample = compare_each(session, trained, photos, total, on_progress, tally.note_photo)
        levels = compare_sample(session, trained, stages, sample, tally.note_together, tally.note_outputs)
        worst = max(tally.by_head, key=lambda name: tally.by_head[name])
        tally.require(f"probabilities of the head {worst}", TOLERANCE, levels)
        if tally.other:
            told = ", ".join(f"{number:,} of {head}" for head, number in tally.other.items())
            raise differs(f"photos get another label by the same probabilities: {told}; the names or the choice differ")
        proof = {
            "n": tally.n,
            "max_probability_difference": tally.largest,
            "tolerance": TOLERANCE,
            "near_ties": tally.ties,
            "max_pixel_difference": levels,
            "by_check": tally.by_check,
            "by_head": tally.by_head,
            "unreadable": total - tally.n,
        }
        return {"parity": proof}

    def expected(self, image: NDArray[np.uint8], trained: Answerer, classes: Classes) -> Mapping[str, object]:
        """Return the answer to a photo (H, W, 3), with what each output may be off."""
        truth, rule = trained.of([image]), trained.answering
        assert isinstance(rule, HeadPostprocess), "heads are read by their temperatures"
        best = rule.heads.best(truth.logits)[0]
        answer = answer_of(rule.heads, best, truth.probabilities[0], truth.logits[0], truth.embeddings[0])
        open_choice = any(near_tie(part[0]) for part in rule.heads.parted(truth.probabilities))
        allowed = {
            CLASS_INDICES: len(classes) if open_choice else 0,  # where a rounding decides, any label may be chosen
            LABEL_PROBABILITIES: TOLERANCE,
            n.PROBABILITIES: TOLERANCE,
            n.LOGITS: SCORE_TOLERANCE * max(1.0, float(np.abs(answer.logits).max())),
            n.EMBEDDING: SCORE_TOLERANCE,
        }
        return {
            LABELS: answer.labels.tolist(),
            CLASS_INDICES: answer.class_indices.tolist(),
            LABEL_PROBABILITIES: answer.label_probabilities.tolist(),
            n.PROBABILITIES: answer.probabilities.tolist(),
            n.LOGITS: answer.logits.tolist(),
            n.EMBEDDING: answer.embedding.tolist(),
            "allowed": allowed,
        }

    def card(self, record: BundleRecord) -> str:
        """Return the model card."""
        return card(record)

    def proof(self, record: BundleRecord) -> dict[str, Any]:
        """Return the photos compared and the largest difference of a probability."""
        found: Any = record.parity
        assert found is not None, "a bundle is not placed without its proof"
        told = ", ".join(f"{head} {value:.1g}" for head, value in found["by_head"].items())
        said = (
            f"probabilities at most {found['max_probability_difference']:.2g} apart from the trained model's on "
            f"{found['n']:,} photos ({told}), and the same labels of every head"
        )
        said += f" but for {found['near_ties']:,} where two are equally probable" if found["near_ties"] else ""
        return {"n": found["n"], "parity": {**found, "sentence": said}}


SHIPPING = HeadsShipping()
