"""What torch's exporter says is kept from the user, and out of the file."""

from __future__ import annotations

import logging
import sys
import warnings

import pytest

from tests.exporting.small_graphs import whole
from visionft.exporting.quiet_exporter import quiet, strip_traces


def test_nothing_is_said_and_logs_are_heard_again_afterwards(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("torch.onnx")
    with quiet():
        print("progress")
        print("progress", file=sys.stderr)
        warnings.warn("internals", stacklevel=1)
        logger.warning("internals")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    logger.warning("heard")
    assert [record.message for record in caplog.records] == ["heard"]


def test_places_of_this_machine_leave_the_file_and_its_nodes_stay() -> None:
    model = whole("conv")
    kept = [node.name for node in model.graph.node]
    for item in (model, model.graph, model.graph.node[0], model.graph.input[0], model.graph.initializer[0]):
        item.doc_string = "/home/me/train.py"
        item.metadata_props.add(key="stack", value="/home/me/train.py")
    strip_traces(model)
    assert b"/home/me" not in model.SerializeToString()
    assert [node.name for node in model.graph.node] == kept
