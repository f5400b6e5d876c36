"""Shipping a taxonomy: parents summed and the answer chosen in the graph, compared with the trained model."""

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
from visionft.tasks.hierarchical.answers import CHOSEN, CHOSEN_PROBABILITY, NODE_PROBABILITIES
from visionft.tasks.hierarchical.sure_level import LevelPostprocess
from visionft.tasks.hierarchical.taxonomy_card import card
from visionft.tasks.hierarchical.taxonomy_tree import ROOT, Tree

TOLERANCE = 1e-3
"""Of a probability, as classes have it; a node whose probability is nearer to the confidence may be chosen or not."""
SUM_TOLERANCE = 1e-6
"""By which a parent may differ from the sum of its children: what adding up to some thousand float32 rounds."""
SCORE_TOLERANCE = 1e-2
MIN_CONFIDENCE = "min_confidence"


@dataclass
class _Tally(Worst):
    """What was seen so far."""

    answering: LevelPostprocess = field(kw_only=True)
    n: int = 0
    sums: float = 0.0
    ties: int = 0
    wrong: int = 0

    def note_photo(self, photo: Photo, answer: Any, truth: Reference, place: int) -> None:
        """Compare the nodes of a photo with those of its leaves' probabilities, and which is chosen."""
        rule, self.n = self.answering, self.n + 1
        wanted = rule.nodes(truth.probabilities[[place]])
        self.note(WHOLE, answer.node_probabilities, wanted[0], photo.path)
        self.sums = max(self.sums, parent_gap(rule.tree, answer.node_probabilities))
        if answer.chosen != int(rule.chosen(wanted)[0]):
            tie = near(wanted[0], rule.sure)
            self.ties, self.wrong = self.ties + tie, self.wrong + (not tie)

    def note_together(self, photo: Photo, answer: Any, truth: Reference, place: int) -> None:  # noqa: ARG002
        """Compare the probabilities of a photo that was answered in a batch."""
        self.note(TOGETHER, answer.probabilities, truth.probabilities[place])

    def note_outputs(self, check: str, found: NDArray[np.float32], truth: Reference) -> None:
        """Compare the probabilities of what the network half gives."""
        self.note(check, self.answering.probabilities(found), truth.probabilities)


def near(nodes: NDArray[np.floating], min_confidence: float) -> bool:
    """Tell whether some node's probability (N,) is so near to the confidence that a rounding decides."""
    return bool((np.abs(nodes - np.float32(min_confidence)) < TOLERANCE).any())


def parent_gap(tree: Tree, nodes: NDArray[np.floating]) -> float:
    """Return the largest difference of a parent's probability from the sum of its children's, of nodes (N,)."""
    below, sums = tree.parents != ROOT, np.zeros(len(tree))
    np.add.at(sums, tree.parents[below], nodes[below].astype(np.float64))
    inner = np.unique(tree.parents[below])
    return largest(sums[inner] - nodes[inner]) if len(inner) else 0.0


class NodeShipping:
    """Outputs of the graph: see `visionft.tasks.hierarchical.answers`."""

    def append(self, model: ModelProto, classes: Sequence[str] | None, answering: Postprocess) -> None:
        """Append calibration, the sums and the choice; temperature and confidence stay initializers, to be changed.

        Before the nodes stands the root, which is always sure: so the choice is never of nothing.
        """
        assert isinstance(answering, LevelPostprocess), "nodes are read by their tree"
        assert classes is not None, "a taxonomy has its names"
        tree = answering.tree
        constants = {
            n.TEMPERATURE: np.float32(answering.temperature),
            MIN_CONFIDENCE: np.float32(answering.sure),
            "leaves_below": tree.above,
            "one_before": np.array([0, 1, 0, 0], np.int64),
            "sure_one": np.float32(1),
            "depths": np.concatenate([[0], tree.depths]).astype(np.float32)[None],
            "not_sure": np.float32(-1),
            "node_axis": np.array([1], np.int64),
            "root": np.int64(1),
            "node_names": np.array(["", *classes], dtype=object),
        }
        model.graph.initializer.extend(
            numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
        )
        node = helper.make_node
        model.graph.node.extend(
            [
                node("Div", [n.LOGITS, n.TEMPERATURE], ["calibrated_logits"], "calibrate"),
                node("Softmax", ["calibrated_logits"], [n.PROBABILITIES], "softmax", axis=1),
                node("MatMul", [n.PROBABILITIES, "leaves_below"], [NODE_PROBABILITIES], "sum_below"),
                node("Pad", [NODE_PROBABILITIES, "one_before", "sure_one"], ["with_root"], "put_root_before"),
                node("GreaterOrEqual", ["with_root", MIN_CONFIDENCE], ["sure"], "sure_enough"),
                node("Where", ["sure", "depths", "not_sure"], ["sure_depths"], "depths_of_sure"),
                node("ArgMax", ["sure_depths"], ["place"], "deepest", axis=1, keepdims=1),
                node("GatherElements", ["with_root", "place"], ["of_place"], "probability_of_choice", axis=1),
                node("Min", ["of_place", "sure_one"], ["at_most_one"], "at_most_one"),
                node("Squeeze", ["at_most_one", "node_axis"], [CHOSEN_PROBABILITY], "one_probability"),
                node("Squeeze", ["place", "node_axis"], ["one_place"], "one_place"),
                node("Sub", ["one_place", "root"], [CHOSEN], "choose"),
                node("Gather", ["node_names", "one_place"], [n.LABEL], "name_choice", axis=0),
            ]
        )

    def prove(
        self,
        session: Answers,
        trained: Truth,
        stages: Stages,
        photos: Iterator[Photo],
        total: int,
        on_progress: Progress | None,
    ) -> dict[str, Any]:
        """Compare probabilities and choice of every photo, and the first ones in batches and half by half."""
        assert isinstance(trained.answering, LevelPostprocess), "nodes are read by their tree"
        tally = _Tally(answering=trained.answering)
        _, sample = compare_each(session, trained, photos, total, on_progress, tally.note_photo)
        levels = compare_sample(session, trained, stages, sample, tally.note_together, tally.note_outputs)
        tally.require("probabilities", TOLERANCE, levels)
        _judge(tally)
        proof = {
            "n": tally.n,
            "max_probability_difference": tally.largest,
            "tolerance": TOLERANCE,
            "max_parent_difference": tally.sums,
            "near_ties": tally.ties,
            "max_pixel_difference": levels,
            "by_check": tally.by_check,
            "unreadable": total - tally.n,
        }
        return {"parity": proof}

    def expected(self, image: NDArray[np.uint8], trained: Answerer, classes: Classes) -> Mapping[str, object]:
        """Return the answer to a photo (H, W, 3), with what each output may be off."""
        truth, rule = trained.of([image]), trained.answering
        assert isinstance(rule, LevelPostprocess), "nodes are read by their tree"
        leaves = truth.probabilities[0]
        nodes = rule.nodes(leaves[None])[0]
        chosen = int(rule.chosen(nodes[None])[0])
        open_choice = near(nodes, rule.sure)
        allowed = {
            CHOSEN: len(nodes) if open_choice else 0,  # where a rounding decides, any node may be chosen
            CHOSEN_PROBABILITY: 1.0 if open_choice else TOLERANCE,
            n.PROBABILITIES: TOLERANCE,
            NODE_PROBABILITIES: TOLERANCE,
            n.LOGITS: SCORE_TOLERANCE * max(1.0, float(np.abs(truth.logits[0]).max())),
            n.EMBEDDING: SCORE_TOLERANCE,
        }
        return {
            CHOSEN: chosen,
            CHOSEN_PROBABILITY: 1.0 if chosen == ROOT else min(1.0, float(nodes[chosen])),
            n.PROBABILITIES: leaves.tolist(),
            NODE_PROBABILITIES: nodes.tolist(),
            n.LOGITS: truth.logits[0].tolist(),
            n.EMBEDDING: truth.embeddings[0].tolist(),
            **({} if open_choice else {n.LABEL: "" if chosen == ROOT else classes[chosen]}),
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
            f"{found['n']:,} photos, parents at most {found['max_parent_difference']:.1g} off the sum of their "
            "children, and the same nodes chosen"
        )
        said += f" but for {found['near_ties']:,} at the confidence" if found["near_ties"] else ""
        return {"n": found["n"], "parity": {**found, "sentence": said}}


def _judge(tally: _Tally) -> None:
    """Raise ParityError where the tree does not hold, or other nodes are chosen."""
    if not tally.sums <= SUM_TOLERANCE:
        raise differs(f"a parent differs from the sum of its children by {tally.sums:.2g}, and {SUM_TOLERANCE} may")
    if tally.wrong:
        raise differs(f"{tally.wrong:,} photos get another node by the same probabilities; the confidence differs")


SHIPPING = NodeShipping()
