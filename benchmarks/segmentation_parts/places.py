# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: rendered samples and real photos, with the true masks of their objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samples.truth import GENERATED, TABLE, load_truth
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.progress import silent
from wildseg3d_blender.scene.folder import Scene, read_scene

SAMPLES = {"table": TABLE, "garden": GENERATED / "garden", "shelf": GENERATED / "shelf"}

REAL = {
    "kermit": ({"frog": "masks", "red-book": "masks_book"}, "kermit002"),
    "apple": ({"apple": "masks"}, "frame000043"),
}
"""Photo set -> its objects with the folders of their masks, and the view that is clicked."""


@dataclass(frozen=True)
class Place:
    """One scene to measure.

    Attributes:
        name: of its reconstruction.
        photos: their folder.
        objects: object name -> the folder of its true masks.
        view: the view that is clicked.
        real: photographed, not rendered.
    """

    name: str
    photos: Path
    objects: dict[str, Path]
    view: str
    real: bool


def places(data: Path, samples: dict[str, Path] | None = None) -> tuple[list[Place], list[str]]:
    """All places there are, and for each that is missing a sentence that says how to get it."""
    found, missing = [], []
    for name, folder in (SAMPLES if samples is None else samples).items():
        if not (folder / "truth" / "cameras.json").is_file():
            missing.append(f"No sample {name}: `make samples-extra SCENE={name}` renders it.")
            continue
        truth = load_truth(folder)
        masks = {thing: folder / "truth" / "masks" / thing for thing in truth.objects}
        middle = truth.names[len(truth.names) // 2]
        found.append(Place(name, folder / "photos", masks, middle, real=False))
    for name, (objects, view) in REAL.items():
        if not (data / name / "images").is_dir():
            missing.append(f"No photos {data / name}: give their folder with --data or in WILDSEG3D_DATA.")
            continue
        masks = {thing: data / name / folder for thing, folder in objects.items()}
        found.append(Place(name, data / name / "images", masks, view, real=True))
    return found, missing


def chosen(known: Sequence[Place], names: Sequence[str]) -> list[Place]:
    """The places with only the objects named; a place's name stands for all of its objects.

    Raises:
        ValueError: a name is neither.
    """
    every = {thing for place in known for thing in place.objects} | {place.name for place in known}
    unknown = [name for name in names if name not in every]
    if unknown:
        raise ValueError(f"There is no {unknown[0]!r} to measure; there are {', '.join(sorted(every))}.")
    found = []
    for place in known:
        mine = {
            thing: masks
            for thing, masks in place.objects.items()
            if not names or thing in names or place.name in names
        }
        if mine:
            found.append(Place(place.name, place.photos, mine, place.view, place.real))
    return found


def reconstruction(place: Place, scenes: Path, without: str | None = None) -> Scene:
    """The kept reconstruction of a place, made where there is none; ``without`` is a photo to leave out."""
    folder = scenes / (place.name if without is None else f"{place.name}-without-{without}")
    if (folder / "scene.json").is_file():
        return read_scene(folder)
    print(f"Reconstructing {folder.name} ...", flush=True)
    photos = [photo for photo in sorted(place.photos.iterdir()) if photo.stem != without]
    return reconstruct(photos, folder, progress=silent)
