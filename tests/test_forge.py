"""The files that a forge and a contributor's git read: what they call is there, in the versions that are declared."""

from __future__ import annotations

import os
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from tests.documents import REPOSITORY

PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def parsed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))
    return found


JOBS: dict[str, Any] = parsed(".github/workflows/checks.yml")["jobs"]
HOOKS: list[dict[str, Any]] = [hook for repo in parsed(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_calls_targets_that_make_knows(job: str) -> None:
    calls = [step["run"] for step in JOBS[job]["steps"] if "run" in step]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    assert calls
    for call in calls:
        words = call.split()
        assert words[0] == "make"
        done = subprocess.run([*words, "-n"], cwd=REPOSITORY, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_jobs_make_what_the_checks_make() -> None:
    calls = {step["run"].split()[1] for job in JOBS.values() for step in job["steps"] if "run" in step}
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert calls == {line.split()[1] for line in script if line.startswith("stage ")}


def test_every_version_of_python_that_is_promised_is_tested() -> None:
    promised = [line.rpartition(":: ")[2] for line in PROJECT["classifiers"] if ":: Python :: 3." in line]
    assert JOBS["test"]["strategy"]["matrix"]["python"] == promised


def test_a_hook_calls_what_the_linters_of_make_call() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    commands = [hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in HOOKS]
    assert {"ruff", "lint-imports"} == set(commands)
    assert [command for command in commands if f"$(BIN)/{command}" not in makefile] == []
    assert {hook["language"] for hook in HOOKS} == {"system"}, "a version beside the one of pyproject.toml"
