# SPDX-License-Identifier: GPL-3.0-or-later
"""SPIn-NeRF's multi-view segmentation masks: one object per scene, masked in many photos.

The published annotations are a folder per scene, named after the scene and where its photos come from:

    fern (llff)/  Truck (Tanks & Temples)/  lego_real_night_radial/ …
        <photo>.png                              the true mask
        <photo>_cutout.png, <photo>_pseudo.png   pictures made of it, not read
        annotations.json                         not read

The photos come separately: ``<scene>/images`` or ``<scene>``, anywhere two levels deep. A mask belongs to
the photo of the same name; or without the leading ``0_`` or ``1_`` that some masks carry; or, where masks
are called ``imageNNN``, to the photo at that place in the order of names. As others who report on this set
do, the first masked photo is the reference.
"""

from __future__ import annotations

import re
from pathlib import Path

from wildseg3d_blender.errors import SceneError

from .truth_scene import TruthScene, photo_folders, photos_in

NOT_MASKS = ("_cutout", "_pseudo")


def spin_nerf_names(root: Path) -> list[str]:
    """The scene folders there are, by name; SceneError when there is none."""
    names = [folder.name for folder in sorted(Path(root).glob("*/")) if _masks(folder)]
    if not names:
        raise SceneError(
            f"{root} has no folder of SPIn-NeRF masks: give the folder that holds 'fern (llff)' and the like."
        )
    return names


def spin_nerf_scene(root: Path, name: str, photos: Path | None = None) -> TruthScene:
    """One scene; ``photos`` is where the scenes' photos are, if not in ``root``.

    Raises:
        SceneError: no masks, no photos, or a mask without its photo.
    """
    folder = Path(root) / name
    masks = _masks(folder)
    if len(masks) < 2:
        raise SceneError(
            f"{folder} has {len(masks)} masks, at least two are needed: unpack the published masks again."
        )
    base = re.sub(r"\s*\(.*\)$", "", name)
    where = Path(photos) if photos is not None else Path(root)
    if not where.is_dir():
        raise SceneError(f"There is no folder {where}: give the folder of the scenes' photos.")
    places = [place for place in photo_folders(where, [base]) if place != folder]
    if not places:
        raise SceneError(
            f"No photos of {base} in {where}: put them into {base}/images there, as the set's README says."
        )
    taken = photos_in(places[0])
    photo_of = {mask: _photo_of(mask, taken) for mask in masks}
    reference, *targets = masks
    return TruthScene(
        base, taken, photo_of[reference], reference, None, {photo_of[mask]: mask for mask in targets}
    )


def _masks(folder: Path) -> list[Path]:
    """Masks of a scene, by name."""
    files = [file for file in photos_in(folder) if file.suffix.lower() == ".png"]
    named = {file.stem for file in files}
    return [
        file
        for file in files
        if not file.stem.endswith(NOT_MASKS) and any(file.stem + ending in named for ending in NOT_MASKS)
    ]


def _photo_of(mask: Path, photos: tuple[Path, ...]) -> Path:
    by_stem = {photo.stem: photo for photo in photos}
    for stem in (mask.stem, re.sub(r"^[01]_", "", mask.stem)):
        if stem in by_stem:
            return by_stem[stem]
    numbered = re.fullmatch(r"image(\d+)", mask.stem)
    if numbered and int(numbered[1]) < len(photos):
        return photos[int(numbered[1])]
    raise SceneError(
        f"The mask {mask} has no photo among the {len(photos)} in {photos[0].parent}: give the scene's "
        "published photos, all of them and under their names."
    )
