"""Shipping labels: sigmoid and thresholds in the graph, compared with the trained model photo by photo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.exporting.parity_photos import Photo
from visionft.exporting.photo_parity import TOGETHER, WHOLE, Worst, compare_each, compare_sample
from visionft.exporting.reference_answers import Answerer, Reference, Truth
from visionft.exporting.stage_parity import Answers, Progress, Stages, differs
from visionft.metrics import Postprocess
from visionft.tasks.multilabel.answers import CHOSEN
from visionft.tasks.multilabel.label_card import card
from visionft.tasks.multilabel.label_thresholds import LabelPostprocess

TOLERANCE = 1e-3
"""Of a probability, as classes have it; a label whose probability is nearer to its threshold may be chosen or not."""
SCORE_TOLERANCE = 1e-2
THRESHOLDS, ABOVE = "thresholds", "above_threshold"


@dataclass
class _Tally(Worst):
    """What was seen so far."""

    answering: LabelPostprocess = field(kw_only=True)
    n: int = 0
    ties: int = 0
    wrong: int = 0

    def note_photo(self, photo: Photo, answer: Any, truth: Reference, place: int) -> None:
        """Compare the probabilities of a photo, and which labels are chosen."""
        self.n, wanted = self.n + 1, truth.probabilities[place]
        self.note(WHOLE, answer.probabilities, wanted, photo.path)
        other = answer.chosen != self.answering.chosen(wanted)
        near = on_edge(self.answering, wanted)
        self.ties += int((other & near).sum())
        self.wrong += int((other & ~near).sum())

    def note_together(self, photo: Photo, answer: Any, truth: Reference, place: int) -> None:  # noqa: ARG002
        """Compare the probabilities of a photo that was answered in a batch."""
        self.note(TOGETHER, answer.probabilities, truth.probabilities[place])

    def note_outputs(self, check: str, found: NDArray[np.float32], truth: Reference) -> None:
        """Compare the probabilities of what the network half gives."""
        self.note(check, self.answering.probabilities(found), truth.probabilities)


class LabelShipping:
    """Outputs of the graph: probabilities, chosen, logits, embedding."""

    def append(self, model: ModelProto, classes: Sequence[str] | None, answering: Postprocess) -> None:  # noqa: ARG002
        """Append the sigmoid and the thresholds, which stay an initializer, to be changed later."""
        assert isinstance(answering, LabelPostprocess), "labels are read by their thresholds"
        model.graph.initializer.append(numpy_helper.from_array(answering.thresholds, THRESHOLDS))
        above = ABOVE if answering.at_least_one else CHOSEN
        model.graph.node.extend(
            [
                helper.make_node("Sigmoid", [n.LOGITS], [n.PROBABILITIES], "probability_of_each"),
                helper.make_node("GreaterOrEqual", [n.PROBABILITIES, THRESHOLDS], [above], "choose"),
            ]
        )
        if answering.at_least_one:
            _append_most_probable(model, len(answering.thresholds))

    def prove(
        self,
        session: Answers,
        trained: Truth,
        stages: Stages,
        photos: Iterator[Photo],
        total: int,
        on_progress: Progress | None,
    ) -> dict[str, Any]:
        """Compare probabilities and chosen labels of every photo, and the first ones in batches and half by half."""
        assert isinstance(trained.answering, LabelPostprocess), "labels are read by their thresholds"
        tally = _Tally(answering=trained.answering)
        _, sample = compare_each(session, trained, photos, total, on_progress, tally.note_photo)
        levels = compare_sample(session, trained, stages, sample, tally.note_together, tally.note_outputs)
        tally.require("probabilities", TOLERANCE, levels)
        if tally.wrong:
            raise differs(
                f"{tally.wrong:,} labels are chosen otherwise on the same probabilities; the thresholds differ"
            )
        proof = {
            "n": tally.n,
            "max_probability_difference": tally.largest,
            "tolerance": TOLERANCE,
            "near_ties": tally.ties,
            "max_pixel_difference": levels,
            "by_check": tally.by_check,
            "unreadable": total - tally.n,
        }
        return {"parity": proof}

    def expected(self, image: NDArray[np.uint8], trained: Answerer, classes: Classes) -> Mapping[str, object]:  # noqa: ARG002
        """Return probabilities, chosen labels, logits and embedding of a photo (H, W, 3), with what each may be off."""
        truth, rule = trained.of([image]), trained.answering
        assert isinstance(rule, LabelPostprocess), "labels are read by their thresholds"
        found = truth.probabilities[0]
        at_threshold = bool(on_edge(rule, found).any())
        allowed = {
            n.PROBABILITIES: TOLERANCE,
            n.LOGITS: SCORE_TOLERANCE * max(1.0, float(np.abs(truth.logits[0]).max())),
            n.EMBEDDING: SCORE_TOLERANCE,
            CHOSEN: int(at_threshold),  # 1: a rounding may choose a label or not
        }
        return {
            n.PROBABILITIES: found.tolist(),
            CHOSEN: rule.chosen(found).astype(int).tolist(),
            n.LOGITS: truth.logits[0].tolist(),
            n.EMBEDDING: truth.embeddings[0].tolist(),
            "allowed": allowed,
        }

    def card(self, record: BundleRecord) -> str:
        """Return the model card."""
        return card(record)

    def proof(self, record: BundleRecord) -> dict[str, Any]:
        """Return the photos compared and the largest difference of a probability."""
        found: Any = record.parity
        assert found is not None, "a bundle is not placed without its proof"
        said = (
            f"probabilities at most {found['max_probability_difference']:.2g} apart from the trained model's on "
            f"{found['n']:,} photos, and the same labels chosen"
        )
        said += f" but for {found['near_ties']:,} on their threshold" if found["near_ties"] else ""
        return {"n": found["n"], "parity": {**found, "sentence": said}}


def on_edge(rule: LabelPostprocess, probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which labels (C,) a rounding of the probabilities (C,) may choose or not."""
    near: NDArray[np.bool_] = np.abs(probabilities - rule.thresholds) < TOLERANCE
    if rule.at_least_one:
        best = probabilities >= probabilities.max() - TOLERANCE
        if near.any() or best.sum() > 1:  # else it is certain whether there is none, and which is most probable
            near = near | best
    return near


def _append_most_probable(model: ModelProto, labels: int) -> None:
    """Append nodes that choose the most probable label, of equal ones the first, where none is chosen."""
    node = helper.make_node
    constants: dict[str, NDArray[Any]] = {
        "label_places": np.arange(labels, dtype=np.int64),
        "label_axis": np.array([1], np.int64),
        "no_label": np.array(0, np.float32),
    }
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    model.graph.node.extend(
        [
            node("Cast", [ABOVE], ["above_as_numbers"], "count_chosen", to=TensorProto.FLOAT),
            node("ReduceMax", ["above_as_numbers", "label_axis"], ["any_above"], "any_chosen", keepdims=1),
            node("Equal", ["any_above", "no_label"], ["none_above"], "none_chosen"),
            node("ArgMax", [n.PROBABILITIES], ["most_probable"], "most_probable_label", axis=1, keepdims=1),
            node("Equal", ["label_places", "most_probable"], ["is_most_probable"], "at_most_probable"),
            node("And", ["is_most_probable", "none_above"], ["in_need"], "at_least_one"),
            node("Or", [ABOVE, "in_need"], [CHOSEN], "choose_or_most_probable"),
        ]
    )


SHIPPING = LabelShipping()
