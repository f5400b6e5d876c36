"""Records without folders of a machine: every absolute path becomes its last part, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from visionft.sharing.without_paths import record


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/jane/goods", "goods"),
        ("of the run /home/jane/runs/first, which is gone", "of the run first, which is gone"),
        ("~/goods/x", "x"),
        ("red/Äpfel", "red/Äpfel"),
        ("183 images/s, 1 / 2", "183 images/s, 1 / 2"),
        ("https://huggingface.co/timm/vit", "https://huggingface.co/timm/vit"),
        ("shoes/SKU 1/front.jpg", "shoes/SKU 1/front.jpg"),
        ("photos in /mnt/my photos/goods are gone", "photos in goods are gone"),
        ("('/a/b', \"/c/d\")", "('b', \"d\")"),
        ("/home/jane/", "jane"),
        ("/", "/"),
    ],
)
def test_a_text(tmp_path: Path, text: str, left: str) -> None:
    (tmp_path / "data.json").write_text(json.dumps({"source": text, "deep": [{"text": text, "n": 3}]}))
    found = json.loads(record(tmp_path, "data.json", ["/mnt/my photos/goods", "/"]))
    assert (found["source"], found["deep"]) == (left, [{"text": left, "n": 3}])


def test_settings_stay_yaml_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("photos: /a/b\noptim:\n  lr: 0.1\nout: null\n")
    text = record(tmp_path, "settings.yaml", []).decode()
    assert text == "photos: b\noptim:\n  lr: 0.1\nout: null\n"
    assert yaml.safe_load(text)["photos"] == "b"


def test_arguments_and_photos_that_could_not_be_used_go(tmp_path: Path) -> None:
    (tmp_path / "environment.json").write_text('{"python": "3.11", "command": ["visionft", "fit", "secret"]}')
    assert json.loads(record(tmp_path, "environment.json", [])) == {"python": "3.11", "command": []}
    (tmp_path / "data.json").write_text('{"root": "/a/b", "quarantine": [{"path": "x"}], "notes": ["y"]}')
    assert json.loads(record(tmp_path, "data.json", [])) == {"root": "b", "quarantine": [], "notes": []}
