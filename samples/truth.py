# SPDX-License-Identifier: GPL-3.0-or-later
"""The truth beside the sample photos: cameras, object masks and depth. numpy and Pillow only.

Layout of a sample folder such as ``samples/table``:

    photos/<photo>.jpg
    truth/cameras.json               per photo K (photo pixels) and cam_to_world (OpenCV axes, metres);
                                     "radial" where the lens distorts
    truth/masks/<object>/<photo>.png visible pixels, photo size, black and white
    truth/depth/<photo>.npz          ``depth`` (180, 270) float16, metres along the camera's z
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TABLE = Path(__file__).resolve().parent / "table"
GENERATED = TABLE.parent / "generated"
"""Where the samples are that `make samples-extra` renders, a folder each."""


@dataclass(frozen=True)
class TrueCamera:
    """A photo's exact camera.

    Attributes:
        K: (3, 3) float64 in photo pixels, pixel centres at half-integers.
        cam_to_world: (4, 4) float64, OpenCV axes to world; metres, Z up.
    """

    K: NDArray[np.float64]
    cam_to_world: NDArray[np.float64]


@dataclass(frozen=True)
class SampleTruth:
    """What is known about a sample folder.

    Attributes:
        folder: the sample folder.
        size: (width, height) of every photo.
        cameras: photo stem -> camera, in the order of the walk.
        objects: names of the objects that have masks, sorted.
        radial: first radial coefficient of the lens that took the photos (see ``PhotoWarp``).
    """

    folder: Path
    size: tuple[int, int]
    cameras: dict[str, TrueCamera]
    objects: tuple[str, ...]
    radial: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Photo stems in the order of the walk."""
        return tuple(self.cameras)

    def photo(self, name: str) -> Path:
        """The photo's file."""
        return self.folder / "photos" / f"{name}.jpg"

    def mask(self, thing: str, name: str) -> NDArray[np.bool_]:
        """(H, W) bool, the pixels of photo ``name`` that show the object ``thing``."""
        with Image.open(self.folder / "truth" / "masks" / thing / f"{name}.png") as image:
            return np.asarray(image.convert("L")) > 127

    def depth(self, name: str) -> NDArray[np.float32]:
        """(h, w) float32 metres along the camera's z at the centres of a coarser grid; inf in the sky."""
        with np.load(self.folder / "truth" / "depth" / f"{name}.npz", allow_pickle=False) as data:
            return np.asarray(data["depth"], dtype=np.float32)

    def depth_intrinsics(self, name: str) -> NDArray[np.float64]:
        """(3, 3) K of the photo in pixels of its ``depth``."""
        height, width = self.depth(name).shape
        scale = np.diag([width / self.size[0], height / self.size[1], 1.0])
        return scale @ self.cameras[name].K


def load_truth(folder: Path = TABLE) -> SampleTruth:
    """The truth of a sample folder; FileNotFoundError where there is none."""
    data = json.loads((folder / "truth" / "cameras.json").read_text(encoding="utf-8"))
    known = {
        name: TrueCamera(np.array(camera["K"]), np.array(camera["cam_to_world"]))
        for name, camera in data["photos"].items()
    }
    masks = folder / "truth" / "masks"
    objects = tuple(sorted(entry.name for entry in masks.iterdir() if entry.is_dir()))
    width, height = data["size"]
    return SampleTruth(folder, (width, height), known, objects, float(data.get("radial", 0.0)))
