from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.scenes import scene


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 12 hats and 12 pants, among the pants 3 pictures of hats, a copy, an edit, a blank and a broken one."""
    root = tmp_path_factory.mktemp("audited") / "shop"
    for label, first in (("hat", 0), ("pants", 100)):
        (root / label).mkdir(parents=True)
        for at in range(12):
            scene(first + at, label).save(root / label / f"{at:02}.jpg", quality=92)
    for at in range(3):
        scene(50 + at, "hat").save(root / "pants" / f"moved-{at}.jpg", quality=92)
    (root / "hat" / "copied.jpg").write_bytes((root / "hat" / "00.jpg").read_bytes())
    scene(105, "pants").transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((10, 10, 230, 170)).save(
        root / "pants" / "edited.jpg", quality=60
    )
    Image.new("RGB", (200, 150), (210, 210, 205)).save(root / "pants" / "blank.jpg")
    data = (root / "hat" / "01.jpg").read_bytes()
    (root / "hat" / "torn.jpg").write_bytes(data[: len(data) // 2])
    return root
