"""A fit told to trackers: what they hold is read back from their files, and none of them ends a fit."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import visionft
from visionft.runs import Run
from visionft.training.trackers import Tracker, Trackers


@pytest.fixture
def fit(shapes: Path, small: dict[str, Any], tmp_path: Path) -> Callable[..., Run]:
    """Return a fit of two epochs into `run`, whose lines are kept."""

    def make(said: list[str] | None = None, **given: Any) -> Run:
        flags = {**small, "epochs": 2, "method": "full", **given}
        return visionft.fit(shapes, out=tmp_path / "run", say=(said if said is not None else []).append, **flags)

    return make


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_csv_and_tensorboard_hold_what_the_run_says(fit: Callable[..., Run], tmp_path: Path) -> None:
    run = fit(log="tensorboard, csv")
    expected = [row for row in run.curves() if row["epoch"]]
    rows = [row for row in rows_of(tmp_path / "logs" / "csv" / "run") if row.get("epoch")]
    assert [float(row["val_top1"]) for row in rows if float(row["epoch"])] == [row["val_top1"] for row in expected]
    settings = yaml.safe_load((tmp_path / "logs" / "csv" / "run" / "hparams.yaml").read_text(encoding="utf-8"))
    assert (settings["optim.lr"], settings["method.name"]) == (run.settings.optim.lr, "full")

    told = EventAccumulator(str(tmp_path / "logs" / "tensorboard" / "run"))
    told.Reload()
    losses = {event.step: event.value for event in told.Scalars("val_loss")}
    assert losses == {row["step"]: pytest.approx(row["val_loss"], rel=1e-6) for row in run.curves()}
    assert [event.value for event in told.Scalars("final/test_top1")] == [pytest.approx(run.summary()["test_top1"])]
    assert {"curves", "confusion", "augmented"} == set(told.Tags()["images"])
    assert not [name for name in ("csv", "tensorboard", "logs") if (run.path / name).exists()]


def test_a_run_that_is_gone_on_with_lacks_no_epoch(
    fit: Callable[..., Run], tmp_path: Path, stopping_at: Callable[..., Any]
) -> None:
    with stopping_at(7):
        fit(log=["csv"], epochs=3)
    said: list[str] = []
    run = fit(said, log=["csv"], epochs=3)
    rows = rows_of(tmp_path / "logs" / "csv" / "run")
    assert [int(float(row["epoch"])) for row in rows if row["epoch"]] == [row["epoch"] for row in run.curves()]
    before = (tmp_path / "logs" / "csv" / "run" / "metrics.csv").read_bytes()
    fit(said, log=["csv"], epochs=3)
    assert any(line.startswith("csv was told all of ") for line in said)
    assert (tmp_path / "logs" / "csv" / "run" / "metrics.csv").read_bytes() == before


def test_another_run_of_the_same_name_is_told_from_its_start(fit: Callable[..., Run], tmp_path: Path) -> None:
    logs, said = tmp_path / "logs", list[str]()
    fit(log="csv,tensorboard", epochs=1)
    shutil.rmtree(tmp_path / "run")
    run = fit(said, log="csv,tensorboard", epochs=2)
    assert [line for line in said if line.startswith("warning") or "already" in line] == []
    rows = rows_of(logs / "csv" / "run")
    assert [int(float(row["epoch"])) for row in rows if row["epoch"]] == [row["epoch"] for row in run.curves()]
    assert len(list((logs / "tensorboard" / "run").glob("events.*"))) == 1, "two fits in one"
    earlier = [logs / name / "run-earlier-1" for name in ("csv", "tensorboard")]
    assert [folder.is_dir() for folder in earlier] == [True, True], "somebody's figures are gone"


@pytest.mark.slow
def test_mlflow_has_a_run_for_each_run_and_one_where_it_is_gone_on_with(
    shapes: Path, small: dict[str, Any], tmp_path: Path, stopping_at: Callable[..., Any]
) -> None:
    """Also in a folder whose name has a space."""
    out = tmp_path / "my runs" / "x"
    flags = {**small, "epochs": 3, "method": "full", "out": out, "log": "mlflow", "say": lambda _: None}

    def known() -> list[tuple[str, int]]:
        with sqlite3.connect(out.parent / "logs" / "mlflow" / "mlflow.db") as database:
            found = database.execute("select status, (select count(*) from metrics m where m.run_uuid = r.run_uuid "
                                     "and key = 'val_loss') from runs r order by start_time").fetchall()  # fmt: skip
        database.close()
        return found

    with stopping_at(7):
        visionft.fit(shapes, **flags)
    visionft.fit(shapes, **flags)
    once = known()
    assert [status for status, _ in once] == ["FINISHED"]
    shutil.rmtree(out)
    visionft.fit(shapes, **flags)
    assert known() == once * 2


def test_a_tracker_that_fails_is_one_warning(
    fit: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Tracker, values: Any, step: int) -> None:
        raise ConnectionError("the server\nis down")

    monkeypatch.setattr(Tracker, "figures", fail)
    said: list[str] = []
    run = fit(said, log="csv", epochs=1)
    assert run.epoch is None
    warned = [line for line in said if line.startswith("warning")]
    assert warned == [
        "warning: csv is told nothing more, as it failed (the server is down); the training goes on without it"
    ]


def test_a_tracker_that_cannot_begin_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    said: list[str] = []
    assert Trackers(["csv"], tmp_path / "run", said.append).trackers == []
    assert len(said) == 1
    assert said[0].startswith("warning: csv is told nothing more, as it failed (")


def wandb_records(file: Path) -> list[Any]:
    """Return the records of an offline file: a log of LevelDB's format behind seven bytes."""
    from wandb.proto import wandb_internal_pb2

    content, place, found, part = file.read_bytes(), 7, list[Any](), b""
    while place + 7 <= len(content):
        if (left := 32_768 - place % 32_768) < 7:
            place += left
            continue
        _, size, kind = struct.unpack("<IHB", content[place : place + 7])
        part += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last piece
            record = wandb_internal_pb2.Record()
            record.ParseFromString(part)
            found.append(record)
            part = b""
    return found


@pytest.mark.slow
def test_wandb_keeps_settings_figures_pictures_and_the_record_without_a_network(
    fit: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # where nobody is logged in
    said: list[str] = []
    run = fit(said, log="wandb")
    assert [line for line in said if line.startswith("warning")] == []
    [file] = (tmp_path / "logs" / "wandb" / "wandb").glob("offline-run-*/run-*.wandb")
    records = wandb_records(file)
    settings = {update.key: json.loads(update.value_json) for one in records for update in one.config.update}
    assert (settings["method.name"], settings["optim.lr"]) == ("full", run.settings.optim.lr)
    rows = [
        {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in one.history.item}
        for one in records
        if one.HasField("history")
    ]
    losses = {row["trainer/global_step"]: row["val_loss"] for row in rows if "val_loss" in row}
    assert losses == {row["step"]: pytest.approx(row["val_loss"]) for row in run.curves()}
    assert [row["final/test_top1"] for row in rows if "final/test_top1" in row] == [run.summary()["test_top1"]]
    kept = {path.name for path in (file.parent / "files").rglob("*") if path.is_file() or path.is_symlink()}
    assert {"settings.yaml", "result.json", "report.html"} <= kept
    assert {name.partition("_")[0] for name in kept if name.endswith(".png")} == {"curves", "confusion", "augmented"}
    assert "weights.safetensors" not in kept
    assert not [one for one in records if one.HasField("output_raw") or one.environment.HasField("git")]


@pytest.mark.slow
def test_mlflow_keeps_figures_pictures_and_the_record(fit: Callable[..., Run], tmp_path: Path) -> None:
    said: list[str] = []
    run = fit(said, log="mlflow")
    assert [line for line in said if line.startswith("warning")] == []
    with sqlite3.connect(tmp_path / "logs" / "mlflow" / "mlflow.db") as database:
        losses = dict(database.execute("select step, value from metrics where key = 'val_loss'").fetchall())
        params = dict(database.execute("select key, value from params").fetchall())
        states = database.execute("select name, status from runs").fetchall()
    database.close()
    assert losses == {row["step"]: pytest.approx(row["val_loss"]) for row in run.curves()}
    assert params["method.name"] == "full"
    assert states == [("run", "FINISHED")]
    kept = {path.name for path in (tmp_path / "logs" / "mlflow" / "artifacts").rglob("*") if path.is_file()}
    assert {"curves.png", "confusion.png", "settings.yaml", "result.json", "report.html"} <= kept
    assert "weights.safetensors" not in kept


@pytest.mark.slow
@pytest.mark.parametrize(("wanted", "told"), [(None, "False"), ("false", "True")])
def test_mlflow_tells_its_makers_nothing_unless_the_user_wants_it(
    wanted: str | None, told: str, tmp_path: Path
) -> None:
    """In a process of its own: MLflow decides it when it is imported, and is silent under pytest and in CI."""
    program = """
import os, sys
from pathlib import Path
from visionft.training.trackers import Trackers
before, connections = dict(os.environ), []
sys.addaudithook(lambda event, given: connections.append(given) if event == "socket.connect" else None)
Trackers(["mlflow"], Path(sys.argv[1]), print)
assert {name: value for name, value in os.environ.items() if name[0] != "_"} == before, "the environment is another one"
from mlflow.telemetry.client import get_telemetry_client
print(get_telemetry_client() is not None or bool(connections))
"""
    given = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    given |= {"MLFLOW_TRACKING_URI": "nosuch://x"}  # refused at once, after MLflow was imported
    given |= {"HTTPS_PROXY": "http://127.0.0.1:9"}  # nobody is there: nothing leaves this machine in any case
    given |= {} if wanted is None else {"MLFLOW_DISABLE_TELEMETRY": wanted}
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == told
