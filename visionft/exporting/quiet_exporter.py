"""Keeping what torch's exporter says, to the user and in the file, out of both."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

from onnx import ModelProto

from visionft.machine.process_state import without_logs


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporter's progress lines, warnings and logs about its own internals from the user."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        without_logs(logging.WARNING),
    ):
        warnings.simplefilter("ignore")
        yield


def strip_traces(model: ModelProto) -> None:
    """Remove what the exporter notes on every node: source lines and paths of the machine it ran on."""
    for item in (
        *model.graph.node,
        *model.graph.value_info,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
        model.graph,
    ):
        item.ClearField("metadata_props")
        item.ClearField("doc_string")
    model.ClearField("metadata_props")
    model.ClearField("doc_string")
