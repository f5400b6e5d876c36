from __future__ import annotations

import pytest
from pydantic import ValidationError

from visionft.bundle import names
from visionft.bundle.schema import BundleRecord, ModelRecord, tensors


def test_the_table_has_the_graph_s_outputs_in_their_order() -> None:
    table = tensors(classes=7, features=5)

    assert [row.name for row in table] == [names.IMAGE, *names.OUTPUTS]
    assert {row.name: row.shape for row in table}[names.PROBABILITIES] == ("N", 7)
    assert {row.name: row.shape for row in table}[names.EMBEDDING] == ("N", 5)


def test_every_key_has_its_sentence() -> None:
    schema = BundleRecord.model_json_schema()
    nodes = [schema, *schema["$defs"].values()]

    silent = [key for node in nodes for key, value in node.get("properties", {}).items() if "description" not in value]
    assert silent == []
    assert len(nodes) == 14


def test_an_opset_that_no_bundle_has_is_refused() -> None:
    with pytest.raises(ValidationError, match="opset"):
        ModelRecord(bytes=1, sha256="0" * 64, opset=17, ir_version=10)
