# SPDX-License-Identifier: GPL-3.0-or-later
"""pycolmap and OpenCV in one process, imported in either order, doing what the engine does with them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenes.room import Shot, arc, take

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import sys
import {first}
import {second}
from pathlib import Path
from wildseg3d_blender.pipeline.engines import create_engine
from wildseg3d_blender.pipeline.photos.reading import open_photos
photos, _ = open_photos([Path(sys.argv[1])])
result = create_engine("stereo").pair_graph(photos, image_size=96, progress=lambda *_: None)
print(len(result.graph.views))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Fotos für 3D 写真")
    for n, pose in enumerate(arc(3)):
        shot = Shot(f"{n}.png", pose, size=(320, 240), focal=340.0)
        take(shot, folder / shot.name)
    return folder


@pytest.mark.parametrize(("first", "second"), [("pycolmap", "cv2"), ("cv2", "pycolmap")])
def test_either_order_works_and_native_code_keeps_quiet(folder: Path, first: str, second: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first, second=second), str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::RuntimeWarning"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3\n"
    assert done.stderr == ""


def test_compression_works_beside_the_engine() -> None:
    """pycolmap's own zlib once corrupted every PNG and npz written after it was loaded."""
    program = """
import wildseg3d_blender.pipeline.engines.stereo
import io, zlib
import numpy as np
from PIL import Image
noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
for level in (1, 6, 9):
    Image.fromarray(noise).save(io.BytesIO(), "PNG", compress_level=level)
    assert zlib.decompress(zlib.compress(noise.tobytes(), level)) == noise.tobytes()
np.savez_compressed(io.BytesIO(), noise=noise)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
