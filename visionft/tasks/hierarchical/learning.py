"""Learning nodes of a taxonomy: the loss of the labelled node, a head whose rows share, accuracy by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.backbones import LinearHead
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.data import Manifest
from visionft.errors import UsageError
from visionft.finishing.verdict import verdict
from visionft.metrics import Postprocess
from visionft.metrics.temperature import PHOTOS_NEEDED, Temperature, fit_temperature
from visionft.runs.criterion import Criterion, Photos, Solution
from visionft.runs.history import Epoch
from visionft.runs.learning import Final, Outputs, PlainLearning
from visionft.settings import FitSettings
from visionft.tasks.hierarchical import tree_prior
from visionft.tasks.hierarchical.answers import NodeAnswer
from visionft.tasks.hierarchical.marginal_loss import MarginalLoss
from visionft.tasks.hierarchical.node_table import node_table
from visionft.tasks.hierarchical.sure_level import FittedLevel, LevelPostprocess, SureLevel
from visionft.tasks.hierarchical.taxonomy_figures import TaxonomyFigures, taxonomy_figures
from visionft.tasks.hierarchical.taxonomy_tree import ROOT, Tree


class NodeLearning(PlainLearning):
    """One node of a taxonomy for each photo."""

    def rows(self, classes: Classes) -> Classes:
        """Return the leaves: they alone have rows of the head."""
        return Classes(Tree(classes.names).leaf_names)

    def outputs(self, classes: Classes, settings: FitSettings) -> int:  # noqa: ARG002
        """Return L: a logit a leaf."""
        return len(self.rows(classes))

    def criterion(self, settings: FitSettings, manifest: Manifest | None) -> Criterion:
        """Return the loss of the labelled node."""
        if manifest is None:
            raise UsageError(
                f"the task {settings.task} learns along the taxonomy of its photos, which your own Trainer does not "
                "know; use visionft.fit"
            )
        return _loss(Tree(manifest.classes.names), settings)

    def solve(
        self,
        head: LinearHead,  # noqa: ARG002
        settings: FitSettings,
        train: Photos,
        validation: Photos,
        new: Sequence[int] | None,  # noqa: ARG002  # rows hang together along the tree, so that all are solved
    ) -> Solution:
        """Solve the whole head, its rows sharing along the tree."""
        tree = Tree(train.classes)
        found = tree_prior.solve(tree, train, validation, loss=_loss(tree, settings))
        how = f"inverse regularisation {found.strength:.2g} of {found.tried} tried"
        return Solution("solved head, its rows sharing along the tree", found.weight, found.bias, how)

    def final(
        self,
        validation: Outputs,
        train: Outputs,
        sampled: NDArray[np.bool_],
        classes: Classes,
        settings: FitSettings,  # noqa: ARG002
    ) -> Final:
        """Fit temperature and confidence to validation and return the figures; `sampled` (m,) is of training photos."""
        tree = Tree(classes.names)
        level = SureLevel.fit(tree, validation.logits, validation.labels, _temperature(tree, validation))
        fitted = FittedLevel(level, tree)
        answering = fitted.answering()
        val = taxonomy_figures(validation.logits, validation.labels, answering)
        seen = taxonomy_figures(train.logits[sampled], train.labels[sampled], answering)
        return Final(val, seen, fitted)

    def brief(self, train: TaxonomyFigures) -> dict[str, Any]:
        """Return top-1, log-loss, and accuracy by level."""
        found = train.summary()
        return {name: found[name] for name in ("top1", "log_loss", "levels", "n")}

    def verdict(self, final: Final, settings: FitSettings, history: Sequence[Epoch], kept: Epoch | None) -> str:
        """Judge the gap of top-1 between training and validation, and say from where on a level is answered."""
        assert isinstance(final.calibration, FittedLevel), "nodes are calibrated"
        tops = (final.train.top1, final.val.top1)
        told = verdict(tops, final.train.n, _fitted(final), settings, history, kept)
        return f"{told}; {final.calibration.level.sentence()}"

    def fitted(self, final: Final) -> list[str]:
        """Say the temperature, or why none was fitted."""
        found, photos = _fitted(final), "validation photos that are labelled as leaves"
        if found.fitted:
            said = f"temperature {found.temperature:.3f}, fitted to the {found.photos:,} {photos}"
        elif found.photos < PHOTOS_NEEDED:
            said = f"temperature 1: {found.photos:,} {photos} are too few to fit one, {PHOTOS_NEEDED} are needed"
        else:
            said = f"temperature 1: on the {found.photos:,} {photos} no other gains more than chance would"
        return [f"calibration: {said}"]

    def calibration(self, folder: Path, val: Mapping[str, Any], classes: Classes) -> FittedLevel:
        """Return what was fitted for a run; of one that is not finished, what holds for a model without."""
        level = SureLevel.read(folder) if "levels" in val else SureLevel.plain()
        return FittedLevel(level, Tree(classes.names))

    def shipped(self, record: BundleRecord) -> Postprocess:
        """Return the rule of a bundle."""
        return LevelPostprocess.by(Tree(record.classes), record.temperature, record.min_confidence)

    def measure(
        self,
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,  # noqa: ARG002  # the rule has the tree of them
        answering: Postprocess,
    ) -> TaxonomyFigures:
        """Return the figures of logits (n, L)."""
        assert isinstance(answering, LevelPostprocess), "nodes are read by their tree"
        return taxonomy_figures(logits, labels, answering)

    def scores(self, logits: NDArray[np.float32], answering: Postprocess) -> NDArray[np.float32]:
        """Return the probabilities of all nodes (n, N)."""
        assert isinstance(answering, LevelPostprocess), "nodes are read by their tree"
        return answering.nodes(answering.probabilities(logits))

    def table(
        self,
        paths: Sequence[str],
        logits: NDArray[np.float32],
        labels: NDArray[Any],
        classes: Classes,
        answering: Postprocess,
    ) -> pa.Table:
        """Return a row a photo, of logits (n, L).

        path, truth; label, probability, truth_probability and correct at the truth's own level; distance, the edges
        between the two; level_1 and so on, the most probable node of each level; sure_label and sure_probability, of
        the deepest node that is sure enough.
        """
        assert isinstance(answering, LevelPostprocess), "nodes are read by their tree"
        return node_table(paths, logits, labels, classes.names, answering)

    def tables(self, metrics: TaxonomyFigures) -> dict[str, pa.Table]:
        """Return accuracy by level, and the confusion matrix of the nodes."""
        columns = [pa.array(metrics.classes, pa.string()), *(pa.array(column) for column in metrics.flat.confusion.T)]
        return {
            "levels.csv": pa.Table.from_pylist(_flat(metrics)),
            "confusion.csv": pa.Table.from_arrays(columns, ["truth", *metrics.classes]),
        }

    def answers(
        self,
        logits: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        answering: Postprocess,
        names: Sequence[str],
    ) -> list[NodeAnswer]:
        """Return the deepest node of each photo that is sure enough, from logits (n, L)."""
        assert isinstance(answering, LevelPostprocess), "nodes are read by their tree"
        probabilities = answering.probabilities(logits)
        nodes = answering.nodes(probabilities)
        return [
            NodeAnswer(
                "" if at == ROOT else names[at], int(at), _probability(nodes[i], at), probabilities[i], nodes[i],
                logits[i], embeddings[i],
            )
            for i, at in enumerate(answering.chosen(nodes))
        ]  # fmt: skip


def _loss(tree: Tree, settings: FitSettings) -> MarginalLoss:
    return MarginalLoss(tree, "hxe" if settings.loss == "hxe" else "marginal")


def _fitted(final: Final) -> Temperature:
    """Return the temperature with the photos that it was fitted to."""
    assert isinstance(final.calibration, FittedLevel), "nodes are calibrated"
    number, rows = final.calibration.level.temperature, final.val.flat.per_class
    return Temperature(number, sum(rows[leaf].support for leaf in final.val.tree.leaves), fitted=number != 1)


def _temperature(tree: Tree, outputs: Outputs) -> Temperature:
    """Return the temperature of the photos that are labelled as leaves."""
    place = {int(leaf): at for at, leaf in enumerate(tree.leaves)}
    own = np.isin(outputs.labels, tree.leaves)
    labels = np.array([place[int(label)] for label in outputs.labels[own]], np.int64)
    return fit_temperature(outputs.logits[own], labels)


def _probability(nodes: NDArray[np.float32], at: int) -> float:
    return 1.0 if at == ROOT else min(1.0, float(nodes[at]))


def _flat(metrics: TaxonomyFigures) -> list[dict[str, Any]]:
    rows = []
    for row in metrics.levels:
        low, high = row.interval or (None, None)
        told = metrics.sure.by_depth[row.depth]
        rows.append({
            "level": row.depth, "nodes": row.nodes, "photos": row.n, "accuracy": row.accuracy, "low": low, "high": high,
            "sure_answers": told,
        })  # fmt: skip
    return rows


LEARNING = NodeLearning()
