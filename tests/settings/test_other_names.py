"""Names that other tools give our settings: each row leads to a setting that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from visionft.errors import SettingsError
from visionft.settings import build
from visionft.settings.fields import leaves, nearest
from visionft.settings.other_names import INSTEAD, SAME


@pytest.mark.parametrize(("name", "path"), SAME.items())
def test_each_name_leads_to_a_setting(name: str, path: str) -> None:
    assert path in leaves()
    assert nearest(name) == nearest(name.replace("_", "-")) == path
    assert name not in leaves(), "a setting of ours is no name from elsewhere"


@pytest.mark.parametrize("name", INSTEAD)
def test_each_name_without_a_setting_has_its_sentence(name: str) -> None:
    assert name not in leaves()
    assert name not in SAME
    flags = {leaf.flag.removesuffix(".name") for leaf in leaves().values()} | {"--nproc-per-node", "--quiet", "--log"}
    assert set(re.findall(r"--[\w.-]+\w", INSTEAD[name])) <= flags


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ({"num_train_epochs": 3}, "--num-train-epochs: no such setting; did you mean --epochs?"),
        ({"per_device_train_batch_size": 3}, "--per-device-train-batch-size: no such setting; did you mean --optim.ba"),
        ({"resume": True}, "--resume: no such setting; leave it out: the same command goes on with a run that was"),
        ({"optimizer": "sgd"}, "--optimizer: no such setting; leave it out: AdamW is what trains"),
    ],
)
def test_python_answers_with_them(flags: dict[str, object], line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build("photos", **flags)
    assert str(caught.value).startswith(line)


def test_yaml_answers_with_them(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("imgsz: 64\nresume: true\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        build("photos", config)
    assert str(caught.value).splitlines() == [
        f"imgsz in {config}: no such setting; did you mean preprocess.size?",
        f"resume in {config}: no such setting; leave it out: the same command goes on with a run that was interrupted",
    ]
