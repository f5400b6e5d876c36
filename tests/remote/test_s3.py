"""A server that speaks S3, on this machine: fitted from, killed midway, gone on with, also on another machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SERVER = """
import sys, time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
VERBS = """
import sys, visionft
run, place = "run", "s3://shop/photos"
evaluated = visionft.evaluate(run, data=place).account.measured
audited = visionft.audit(place, out=None, backbone="test_resnet", weights="none").overview
answers = visionft.predict(run, [place + "/disc", place + "/square/00.jpg"])
streamed = visionft.predict(run, place + "/disc", out="answers")
flags = {"method": "head", "backbone": "test_resnet", "weights": "none", "preprocess.size": 32, "hardware.threads": 1,
         "hardware.device": "cpu", "hardware.workers": 0}
local = visionft.fit(sys.argv[1], out="local", say=lambda _: None, **flags).path
same = (local / "splits.csv").read_bytes() == open("run/splits.csv", "rb").read()
print(evaluated, "60 " in str(audited), answers.account.measured, streamed.account.measured, same)
"""
FLAGS = [
    "--method", "head", "--backbone", "test_resnet", "--weights", "none", "--preprocess.size", "32",
    "--hardware.threads", "1", "--hardware.device", "cpu", "--hardware.workers", "0",
]  # fmt: skip


@pytest.fixture(scope="module")
def environment(shapes: Path) -> Iterator[dict[str, str]]:
    """Serve the shapes in s3://shop/photos, and yield the environment that reaches it."""
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", SERVER], stdin=-1, stdout=-1, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        given = {
            **os.environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        s3 = client(given)
        s3.create_bucket(Bucket="shop")
        for file in sorted(shapes.rglob("*.jpg")):
            s3.upload_file(str(file), "shop", f"photos/{file.relative_to(shapes).as_posix()}")
        yield given
        server.kill()


def client(environment: dict[str, str]) -> Any:
    import boto3

    return boto3.client(
        "s3", endpoint_url=environment["AWS_ENDPOINT_URL"], region_name="us-east-1", aws_access_key_id="a",
        aws_secret_access_key="b",
    )  # fmt: skip


def call(
    *words: str | Path, environment: dict[str, str], cache: Path, folder: Path
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "visionft", *map(str, words)]
    return subprocess.run(
        command, env={**environment, "VISIONFT_CACHE": str(cache)}, cwd=folder, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def test_a_bucket_is_fitted_evaluated_and_answered_and_another_machine_has_the_same_splits(
    environment: dict[str, str], shapes: Path, tmp_path: Path
) -> None:
    one, other = {"environment": environment, "cache": tmp_path / "one", "folder": tmp_path}, tmp_path / "other"
    fitted = call("fit", "s3://shop/photos", *FLAGS, "--out", "run", **one)
    assert fitted.returncode == 0, fitted.stderr
    assert "s3://shop/photos: 60 files" in fitted.stdout
    data = json.loads((tmp_path / "run/data.json").read_text())
    assert data["from"]["address"] == "s3://shop/photos"
    assert data["from"]["files"] == 60
    again = call(
        "fit", "s3://shop/photos", *FLAGS, "--out", "run", environment=environment, cache=other, folder=tmp_path
    )
    assert again.returncode == 0, again.stderr
    assert "is finished already" in again.stdout
    told = subprocess.run(
        [sys.executable, "-c", VERBS, str(shapes)], env={**environment, "VISIONFT_CACHE": str(tmp_path / "one")},
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1] == "60 True 21 20 True"


def test_a_fetch_that_is_killed_goes_on_where_it_was(environment: dict[str, str], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    command = [sys.executable, "-m", "visionft", "fit", "s3://shop/photos", *FLAGS, "--out", "run"]
    given = {**environment, "VISIONFT_CACHE": str(cache)}
    with subprocess.Popen(command, env=given, cwd=tmp_path, stdout=-3, stderr=-3) as process:
        begun = time.monotonic()
        while process.poll() is None and len(list((cache / "remote/files").glob("*/*"))) < 5:
            assert time.monotonic() - begun < 200
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    kept = len(list((cache / "remote/files").glob("*/*")))
    assert kept >= 5
    assert not (tmp_path / "run").exists()
    fitted = call(
        "fit", "s3://shop/photos", *FLAGS, "--out", "run", environment=environment, cache=cache, folder=tmp_path
    )
    assert fitted.returncode == 0, fitted.stderr
    assert f"{60 - kept} fetched, {kept} here before" in fitted.stdout


@pytest.mark.parametrize(
    ("place", "changed", "words"),
    [
        ("s3://shop/nothing", {}, "there is no s3://shop/nothing, or nothing in it"),
        ("s3://no-such-bucket/photos", {}, "there is no s3://no-such-bucket/photos, or nothing in it"),
        (
            "s3://shop/photos",
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            "there are no credentials for",
        ),
        ("s3://shop/photos", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "cannot be reached (Could not connect"),
    ],
)
def test_each_way_to_fail_is_a_sentence(
    place: str, changed: dict[str, str | None], words: str, environment: dict[str, str], tmp_path: Path
) -> None:
    given = {name: value for name, value in {**environment, "HOME": str(tmp_path), **changed}.items() if value}
    failed = call("fit", place, *FLAGS, environment=given, cache=tmp_path / "cache", folder=tmp_path)
    assert failed.returncode == 1
    assert words in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "runs").exists()
