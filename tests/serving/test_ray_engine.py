"""The workers of a Ray cluster write what one process writes; Ray itself runs in slow tests alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

import visionft as vft
from tests.bundle.making import make_bundle
from tests.killing import ENVIRONMENT
from tests.workflows.test_predict_folder import many
from visionft.bundle import Bundle
from visionft.bundle.prediction_shards import Shards, Subject, shards_in
from visionft.errors import BundleError, ProcessLostError, UsageError
from visionft.photos import entries
from visionft.serving import ray_engine
from visionft.serving.ray_engine import RESTARTS, Order, Worker, opened, write_with_ray


@pytest.fixture
def order(tmp_path: Path) -> Order:
    bundle = Bundle.open(make_bundle(tmp_path / "bundle"))
    photos = many(tmp_path / "photos", 70)
    subject = Subject(bundle.model_sha256(), "classification", bundle.chosen(None).classes.names)
    with shards_in(tmp_path / "out", subject, lambda: entries(photos), resume=False, rows=32) as shards:
        return Order(shards, bundle.path)


def test_a_worker_writes_the_files_of_one_process_in_any_order(order: Order, tmp_path: Path) -> None:
    worker = Worker(order)
    assert [worker({"number": number})["photos"] for number in (2, 0, 1, 0)] == [6, 32, 32, 32]
    assert order.shards.missing() == []
    found = vft.predict(order.bundle, tmp_path / "photos")
    table = [order.shards.place(number) for number in order.shards.numbers]
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert pa.concat_tables(map(pq.read_table, table)).drop_columns("index").equals(found.to_arrow())


def test_a_worker_that_sees_something_else_says_so(order: Order, tmp_path: Path) -> None:
    elsewhere = replace(order, shards=replace(order.shards, folder=tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"the worker on .* does not see the folder .*nowhere: give --out on a file"):
        opened(elsewhere)
    with pytest.raises(UsageError, match="does not see the folder"):
        opened(replace(order, shards=replace(order.shards, rows=64)))  # another call's
    with pytest.raises(BundleError, match=r"the worker on .* does not see the bundle .*gone, or another one: put"):
        opened(replace(order, bundle=tmp_path / "gone"))
    told = Worker(elsewhere)({"number": 0})
    assert (told["kind"], told["fault"].startswith("the worker on ")) == ("UsageError", True)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Give the environment of a Ray whose sockets have short paths, as they must."""
    if find_spec("ray") is None:
        pytest.skip("SKIPPED ALOUD: ray is not installed")
    with tempfile.TemporaryDirectory(prefix="vft-ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        kept = {name: value for name, value in ENVIRONMENT.items() if name != "RAY_ADDRESS"}
        yield {**kept, "RAY_TMPDIR": folder}


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_sentence(order: Order, short: dict[str, str]) -> None:
    with pytest.raises(ProcessLostError, match=r"the Ray cluster 127.0.0.1:9 cannot be joined \(.*refused\): see"):
        list(write_with_ray(order.shards, [0], order.bundle, "127.0.0.1:9", None))


@pytest.mark.slow
def test_two_workers_of_which_one_is_killed_write_what_one_process_writes(
    tmp_path: Path, short: dict[str, str]
) -> None:
    bundle, photos = make_bundle(tmp_path / "bundle", slow=3), many(tmp_path / "photos", 4200)
    vft.predict(bundle, photos, out=tmp_path / "one")
    out = tmp_path / "two"
    command = [sys.executable, "-m", "visionft", "predict", str(bundle), str(photos), "--out", str(out)]
    with subprocess.Popen(
        [*command, "--engine", "ray", "--engine-workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=short,
    ) as process:
        workers = _wait_for_workers(process, out)
        os.kill(workers[0], signal.SIGKILL)
        before = len(list(out.glob("part-*")))
        told, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert before < 5
    assert "3,150 photos answered, 1,050 of 4,200 not read, in 5 files" in told
    assert "usage" not in said.lower()
    shards = Shards.open(out)
    assert shards.missing() == []
    for file in (tmp_path / "one").glob("part-*"):
        assert (out / file.name).read_bytes() == file.read_bytes()
    assert not list(out.glob(".*"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own, about Ray
def test_a_photo_that_kills_every_worker_ends_in_one_sentence(
    order: Order, short: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deaths = tmp_path / "deaths"

    class Deadly:  # of a function, so that Ray sends it whole
        def __init__(self, order: Order) -> None:
            pass

        def __call__(self, row: dict[str, int]) -> dict[str, int]:
            with deaths.open("a") as file:
                file.write("x")
            os._exit(1)

    monkeypatch.setattr(ray_engine, "Worker", Deadly)
    monkeypatch.setenv("RAY_TMPDIR", short["RAY_TMPDIR"])
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(
        ProcessLostError, match=r"ended again and again over the same photos \(.*\), most often as"
    ) as told:
        list(write_with_ray(order.shards, [0], order.bundle, None, 1))
    assert "\n" not in str(told.value)
    assert deaths.read_text() == "x" * (1 + RESTARTS)


def _wait_for_workers(process: subprocess.Popen[str], out: Path) -> list[int]:
    """Return the two actors of a driver, once the first file is being written or is there."""
    for _ in range(1500):
        found = [pid for pid, words in _below(process.pid) if "MapWorker" in words]
        if len(found) == 2 and list(out.glob("part-*")):
            return found
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.05)
    raise AssertionError("no worker came up")


def _below(root: int) -> list[tuple[int, str]]:
    """Return the processes below one, by id and command line."""
    children: dict[int, list[tuple[int, str]]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                words = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            children.setdefault(parent, []).append((int(folder.name), words))
    found, todo = [], [root]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child[0])
    return found
