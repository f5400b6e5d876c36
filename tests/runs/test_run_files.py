"""Each file of a run is looked at before it is used, and a damaged one is said in a sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from visionft.errors import RunError
from visionft.files import digests
from visionft.runs import layout, run_files

DAMAGED = r" is damaged \({}\); restore it from a copy, or train again with another --out$"


def failing(record: dict[str, Any]) -> None:
    raise ValueError("x\ny")


def damaged(path: Path, why: str) -> str:
    return f"^{re.escape(str(path))}{DAMAGED.format(why)}"


def test_a_record_is_built_or_what_it_lacks_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"n": "3"}')
    assert run_files.read_record(file, lambda record: int(record["n"])) == 3
    with pytest.raises(RunError, match=damaged(file, "it has no 'm'")):
        run_files.read_record(file, lambda record: record["m"])
    with pytest.raises(RunError, match=damaged(file, "x")):
        run_files.read_record(file, failing)


@pytest.mark.parametrize("read", [run_files.read_json, run_files.read_settings, run_files.read_tensors])
def test_a_missing_file_is_damage(read: Any, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=damaged(tmp_path / "gone", "it is missing")):
        read(tmp_path / "gone")


def test_what_is_no_json_no_settings_and_no_tensors_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"[1, 2")
    for read, why in (
        (run_files.read_json, ".*"),
        (run_files.read_settings, ".*"),
        (run_files.read_tensors, "it cannot be read as safetensors: .*"),
    ):
        with pytest.raises(RunError, match=damaged(file, why)):
            read(file)


def test_tensors_come_to_the_processor(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "w.safetensors")
    assert run_files.read_tensors(tmp_path / "w.safetensors")["a"].tolist() == [1, 1]


def test_a_file_that_is_not_the_one_that_was_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("{}")
    assert not run_files.recorded(file), "there are no digests"
    digests.seal(tmp_path)
    assert run_files.recorded(file)
    assert run_files.read_json(file) == {}
    file.write_text("{ }")
    with pytest.raises(RunError, match=r"its digest is not the one in digests\.json"):
        run_files.read_json(file)


def test_which_files_there_are_tells_a_finished_run_from_others(tmp_path: Path) -> None:
    for words in ("there is no run at", "is not a run: it has no settings.yaml"):
        with pytest.raises(RunError, match=words):
            run_files.require_run(tmp_path / "run")
        (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / layout.SETTINGS).touch()
    with pytest.raises(RunError, match="is not finished; run the same `visionft fit` again to go on with it"):
        run_files.require_run(tmp_path / "run")
    assert run_files.require_run(tmp_path / "run", unfinished=True) is False
    (tmp_path / "run" / layout.RESULT).touch()
    assert run_files.require_run(tmp_path / "run") is True


def test_a_run_that_lost_its_digests_is_told_from_an_older_one(tmp_path: Path) -> None:
    for version, lost in ((1, False), (2, True)):
        (tmp_path / layout.ENVIRONMENT).write_text(json.dumps({layout.VERSION: version}))
        if lost:
            with pytest.raises(RunError, match=r"lacks digests\.json; restore it from a copy or train again"):
                run_files.require_digests(tmp_path)
        else:
            run_files.require_digests(tmp_path)
    digests.seal(tmp_path)
    run_files.require_digests(tmp_path)


def test_missing_files_are_all_named_and_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").mkdir()
    run_files.require_files(tmp_path, frozenset({"a"}))
    with pytest.raises(RunError, match="lacks c, d; restore it from a copy or train again"):
        run_files.require_files(tmp_path, frozenset({"a", "d", "c"}))
    with pytest.raises(RunError, match=damaged(tmp_path / "b", "it is a folder")):
        run_files.require_files(tmp_path, frozenset({"b"}))
