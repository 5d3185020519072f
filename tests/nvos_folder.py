# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder as NVOS and LLFF publish theirs, made up of the small sample photos and their truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samples.truth import load_truth
from tests.small_photos import NAMES, SIZE, write_small_photos

REFERENCE, TARGET = NAMES[1], NAMES[2]
NAME = "fern"


def write_nvos_folder(root: Path, thing: str) -> Path:
    """One scene, named as the published one, with the sample's object ``thing``; returns ``root``."""
    labels, photos = root / "labels" / "llff", root / "scenes" / f"{NAME}_undistort" / "images"
    photos.mkdir(parents=True)
    write_small_photos(photos)
    truth = load_truth()
    for part, photo in (("masks", TARGET), ("reference_image", REFERENCE)):
        copy = labels / part / NAME / f"{photo}.jpg"
        copy.parent.mkdir(parents=True)
        copy.write_bytes((photos / f"{photo}.jpg").read_bytes())
    _write(labels / "masks" / NAME / f"{TARGET}_mask.png", truth.mask(thing, TARGET), SIZE)
    reference = truth.mask(thing, REFERENCE)
    quarter = SIZE[0] // 4, SIZE[1] // 4
    for sign, region in (("pos", reference), ("neg", ~reference)):
        stroke = labels / "scribbles" / NAME / f"{sign}_0_{NAME}.png"
        stroke.parent.mkdir(parents=True, exist_ok=True)
        _write(stroke, region & _middle_row(reference), quarter)
    return root


def reference_mask(thing: str) -> NDArray[np.bool_]:
    """The object's true mask in the reference photo, on the large photo's pixels."""
    return load_truth().mask(thing, REFERENCE)


def _middle_row(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A band through the object's middle: a stroke along it and beyond."""
    rows = np.flatnonzero(mask.any(1))
    band = np.zeros_like(mask)
    middle = int(rows.mean())
    band[middle - len(rows) // 10 : middle + len(rows) // 10] = True
    return band


def _write(file: Path, mask: NDArray[np.bool_], size: tuple[int, int]) -> None:
    picture = Image.fromarray(np.uint8(255) * mask.astype(np.uint8))
    picture.resize(size, Image.Resampling.NEAREST).save(file)
