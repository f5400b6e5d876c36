"""What is changed for a whole process is put back, and changed in one place."""

from __future__ import annotations

import ast
import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import visionft
from tests.fits import Make, settings  # noqa: F401
from visionft import data
from visionft.machine.arithmetic import threads
from visionft.machine.process_state import environment, handling_signals, quiet_loggers, without_logs
from visionft.planning.plan import make_plan
from visionft.training import train

OWN_PROCESS = {
    "machine/worker_process.py", "data/loading/worker_init.py", "serving/server/access_log.py",
}  # fmt: skip
"""Run in processes of our own alone: there is nobody to put anything back for."""
PLACES = {"machine/process_state.py", "machine/arithmetic.py", *OWN_PROCESS}
LASTING = {
    "planning/plan.py": {"set_num_threads"},  # inside `train`, which gives them back
    "training/train.py": {"set_num_threads"},
    "training/epochs.py": {"set_num_threads"},  # of a process that takes part in another one's fit, and ends with it
    "data/loading/collate.py": {"set_num_threads"},  # of the threads that decode, and back
    "photos/decoder.py": {"filterwarnings"},  # of PIL's own; in threads nothing can be put back
}
CALLS = {"set_num_threads", "setLevel", "signal", "putenv", "setrlimit", "umask", "set_start_method"}
OF_LOGGING = {"logging.disable", "logging.captureWarnings", "logging.basicConfig"}
OF_WARNINGS = {"warnings.filterwarnings", "warnings.simplefilter", "warnings.resetwarnings"}
"""Put back where `warnings.catch_warnings` is around them."""
ATTRIBUTES = {"allow_tf32", "excepthook", "unraisablehook", "environ", "raiseExceptions"}


def test_a_handler_holds_for_its_block() -> None:
    before, heard = signal.getsignal(signal.SIGUSR1), list[int]()
    with handling_signals(lambda number, _: heard.append(number), [signal.SIGUSR1]) as handled:
        assert handled
        signal.raise_signal(signal.SIGUSR1)
    assert (heard, signal.getsignal(signal.SIGUSR1)) == ([signal.SIGUSR1], before)


def test_outside_the_main_thread_no_handler_is_set() -> None:
    found: list[bool] = []

    def enter() -> None:
        with handling_signals(signal.SIG_IGN, [signal.SIGUSR1]) as handled:  # type: ignore[arg-type]
            found.append(handled)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [False]


def test_loggers_and_variables_have_back_what_they_had() -> None:
    logger = logging.getLogger("visionft.tests.quiet")
    logger.setLevel(logging.DEBUG)
    os.environ.pop("VISIONFT_TEST_NEW", None)
    os.environ["VISIONFT_TEST_OLD"] = "old"
    with quiet_loggers(logging.ERROR, logger.name), environment(VISIONFT_TEST_NEW="1", VISIONFT_TEST_OLD="new"):
        assert (logger.level, os.environ["VISIONFT_TEST_NEW"], os.environ["VISIONFT_TEST_OLD"]) == (40, "1", "new")
    assert (logger.level, os.environ.get("VISIONFT_TEST_NEW"), os.environ.pop("VISIONFT_TEST_OLD")) == (10, None, "old")


def test_what_no_logger_says_is_said_again_after_the_block() -> None:
    before = logging.root.manager.disable
    logger = logging.getLogger("visionft.tests.silent")
    with without_logs(logging.WARNING):
        assert not logger.isEnabledFor(logging.WARNING)
        assert logger.isEnabledFor(logging.ERROR)
    with pytest.raises(KeyError), without_logs(logging.CRITICAL):
        raise KeyError
    assert logging.root.manager.disable == before


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("logging.disable(30)", ["disable"]),
        ("warnings.simplefilter('ignore')", ["simplefilter"]),
        ("with warnings.catch_warnings():\n    warnings.simplefilter('ignore')", []),
        ("os.environ['A'] = 'b'", ["environ"]),
    ],
)
def test_each_way_of_changing_a_process_is_seen(tmp_path: Path, line: str, seen: list[str]) -> None:
    (tmp_path / "module.py").write_text(line)
    assert list(changes(tmp_path / "module.py")) == seen


def test_a_plan_leaves_the_threads_as_they_were(settings: Make) -> None:  # noqa: F811
    wanted = settings(**{"hardware.threads": 1})
    with threads(2):
        make_plan(wanted, data.prepare(wanted.photos, wanted.data), str)
        assert torch.get_num_threads() == 2


def state() -> dict[str, Any]:
    return {
        "threads": torch.get_num_threads(),
        "tf32": (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32),
        "handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "logging": logging.root.manager.disable,
        "loggers": {name: logging.getLogger(name).level for name in ("", "lightning.fabric", "timm", "PIL")},
        "environment": dict(os.environ),
        "filters": [entry for entry in warnings.filters if "PIL" not in str(entry)],
        "default type": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def test_a_fit_leaves_the_process_as_it_was(settings: Make) -> None:  # noqa: F811
    torch.set_num_threads(2)
    torch.backends.cudnn.allow_tf32 = True
    before = state()
    train(settings(epochs=1), str)
    after = state()
    torch.set_num_threads(1)
    # A test's own name changes in pytest's variable.
    for one in (before, after):
        one["environment"].pop("PYTEST_CURRENT_TEST", None)
    assert after == before


def changes(file: Path) -> Iterator[str]:
    """Yield what a module changes for the whole process."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    caught = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.With) and any("catch_warnings(" in ast.unparse(item) for item in node.items)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, owner = node.func.attr, ast.unparse(node.func.value)
            if f"{owner}.{name}" in OF_LOGGING or (f"{owner}.{name}" in OF_WARNINGS and node not in caught):
                yield name
            if (name in CALLS and (name != "signal" or owner == "signal")) or ast.unparse(node.func) in {
                "os.environ.setdefault", "os.environ.update", "os.environ.pop", "cv2.setNumThreads",
            }:  # fmt: skip
                yield name
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        for target in targets:
            words = {part.attr for part in ast.walk(target) if isinstance(part, ast.Attribute)}
            yield from words & ATTRIBUTES


def test_a_process_is_changed_in_one_place() -> None:
    root = Path(visionft.__file__).parent
    found = {}
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root).as_posix()
        if name not in PLACES and (kinds := set(changes(file)) - LASTING.get(name, set())):
            found[name] = kinds
    assert found == {}
    idle = [name for name in (*PLACES, *LASTING) if not set(changes(root / name))]
    assert idle == [], "these change nothing, and need no mention"
