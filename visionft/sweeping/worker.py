"""A process that makes trials beside the one that was called: `python -m visionft.sweeping.worker FOLDER PARENT`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from visionft.machine.stop_signals import Interrupted
from visionft.sweeping import sweep_plan
from visionft.sweeping.study import quiet_optuna
from visionft.sweeping.work import STORAGE, Told, make_trials, opened


def main(folder: Path, parent: int) -> int:
    """Make trials until none is left or the parent is gone; return the exit code."""
    plan = sweep_plan.read(folder)
    try:
        with quiet_optuna():
            study = opened(plan, os.environ.get(STORAGE) or None)
            make_trials(plan, study, Told(plan, study, lambda _: None), parent)
    except Interrupted as error:
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
