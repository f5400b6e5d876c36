"""`visionft serve`: wrong calls in one sentence, and what the command prints."""

from __future__ import annotations

import importlib.util
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tests.bundle.making import make_bundle
from tests.damage import flip, pipe
from tests.serving.server.processes import ENVIRONMENT, served
from visionft.bundle.names import KEEPS_DIGESTS, LAYOUT
from visionft.cli import main
from visionft.files import digests

WRONG = [
    ("--port 70000", 2, r"--port: 70000 is no port; give one from 0 to 65535"),
    ("--batch 0", 2, r"--batch: 0 is less than 1; give a whole number from 1"),
    ("--queue 0", 2, r"--queue: 0 is less than 1; give a whole number from 1"),
    ("--max-bytes 0", 2, r"--max-bytes: 0 is less than 1; give a whole number from 1"),
    ("--max-pixels -1", 2, r"--max-pixels: -1 is less than 1; give a whole number from 1"),
    ("--batch-ms -1", 2, r"--batch-ms: -1 is out of range; give milliseconds from 0 to 10000"),
    ("--batch-ms nan", 2, r"--batch-ms: nan is out of range; give milliseconds from 0 to 10000"),
    ("--timeout 0", 2, r"--timeout: 0 is out of range; give seconds above 0, up to 3600"),
    ("--provider gpu", 2, r"--provider: gpu is not known here; .*give cpu or cuda or tensorrt"),
    ("--prot 1", 2, r"serve has no flag --prot; did you mean --port\?"),
    ("--port 0", 1, r"there is no bundle nowhere: give the folder that `visionft export` wrote"),
    (
        "--host 203.0.113.7",
        2,
        r"203\.0\.113\.7:8000 cannot be listened on \(.*\): give another --port, or an address .*",
    ),
    ("--host no.such.host.invalid", 2, r"no\.such\.host\.invalid:8000 cannot be listened on \(.*\): give another .*"),
]


@pytest.mark.parametrize(("flags", "code", "sentence"), WRONG)
def test_wrong_calls_are_one_sentence(
    flags: str,
    code: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "nowhere", *flags.split()]) == code
    told = capsys.readouterr().err
    assert re.fullmatch(rf"visionft: {sentence}\n", told), told


def test_a_port_that_is_taken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", str(make_bundle(tmp_path / "b")), "--port", str(port)]) == 2
    expected = (
        rf"visionft: 127\.0\.0\.1:{port} cannot be listened on \(Address already in use\): give another --port, .*\n"
    )
    assert re.fullmatch(expected, capsys.readouterr().err)


def test_a_missing_extra_is_told_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("uvicorn", "httptools") else ModuleSpec(name, None)

    monkeypatch.setattr("visionft.cli.serve.find_spec", find)
    assert importlib.util.find_spec("uvicorn") is not None
    assert main(["serve", "bundle"]) == 1
    assert capsys.readouterr().err == (
        "visionft: serve needs uvicorn, httptools, not installed here: "
        "install it with `pip install 'visionft[serve]'`\n"
    )


def test_help_loads_no_server() -> None:
    # pydantic is there: the flags are made from the tree of settings, as those of every command.
    heavy = ("torch", "numpy", "onnxruntime", "uvicorn", "starlette", "yaml")
    show = f"print([x for x in {heavy} if x in sys.modules])"
    code = f"import sys; from visionft.cli import main; main(['serve', '--help']); {show}"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert "--batch-ms" in told.stdout
    assert told.stdout.splitlines()[-1] == "[]"


def test_one_line_says_what_is_served_and_where(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    with served(bundle, tmp_path / "log", "--name", "shop", "--provider", "cuda") as server:
        assert server.client.get("/v2/models/shop").json()["name"] == "shop"
        server.process.terminate()
        rest, _ = server.process.communicate(timeout=30)
        assert (server.process.returncode, rest) == (0, "")
        fallen = [line for line in server.lines() if line["event"] == "provider"]
    assert len(fallen) == 1
    assert fallen[0]["problem"].startswith("--provider cuda cannot be used (")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


DAMAGED: list[tuple[str, Callable[[Path], object], str]] = [
    ("model.onnx", flip, r"bundle/model\.onnx is damaged \(.*another digest\)"),
    ("model.onnx", cut, r"bundle/model\.onnx is damaged \([\d,]+ bytes, exported as [\d,]+ with another digest\)"),
    ("model.onnx", pipe, r"bundle/model\.onnx is damaged \(it is a FIFO\)"),
    ("model.onnx", Path.unlink, r"the bundle \S+bundle is incomplete \(it has no model\.onnx\)"),
    ("bundle.json", flip, r"bundle/bundle\.json is damaged \(its digest is not the one in digests\.json\)"),
    ("bundle.json", cut, r"bundle/bundle\.json is damaged \(.*its digest is not the one in digests\.json\)"),
    ("bundle.json", pipe, r"bundle/bundle\.json is damaged \(it is a FIFO\)"),
    ("digests.json", Path.unlink, r"bundle/digests\.json is damaged \(it is missing\)"),
    ("digests.json", cut, r"bundle/digests\.json is damaged \(it cannot be read as JSON\)"),
    ("digests.json", pipe, r"bundle/digests\.json is damaged \(it is a FIFO\)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "damage", "words"), DAMAGED)
def test_a_damaged_bundle_is_refused_by_the_real_process_in_one_sentence(
    tmp_path: Path, name: str, damage: Callable[[Path], object], words: str
) -> None:
    bundle = make_bundle(tmp_path / "bundle", provenance={LAYOUT: KEEPS_DIGESTS})
    digests.seal(bundle)
    damage(bundle / name)
    command = [sys.executable, "-m", "visionft", "serve", str(bundle), "--port", "0"]
    # A FIFO that is opened would hold it for ever; the limit is for a busy machine, as it takes a second.
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"visionft: .*{words}: copy (it|the bundle) again or export it again\n", done.stderr)
