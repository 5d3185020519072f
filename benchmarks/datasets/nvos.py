# SPDX-License-Identifier: GPL-3.0-or-later
"""NVOS: eight objects in seven LLFF scenes; scribbles on a reference photo, one target photo with its mask.

The published annotations (in the folder itself, in ``llff/`` or in ``labels/llff/``):

    masks/<scene>/<photo>_mask.png           the target's true mask, beside a copy of the photo
    reference_image/<scene>/<photo>.JPG      a copy of the reference photo
    scribbles/<scene>/pos_*.png, neg_*.png   strokes on it, a quarter of its size

The photos come separately, as LLFF or in its undistorted version: ``<scene>/images`` or
``<scene>_undistort/images``, anywhere two levels deep. Photos are matched by file name; the two horns scenes
share one photo set. The reference has no true mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from wildseg3d_blender.errors import SceneError

from .truth_scene import Scribbles, TruthScene, photo_folders, photos_in

NVOS_SCENES = (
    "fern",
    "flower",
    "fortress",
    "horns_left",
    "horns_center",
    "leaves",
    "orchids",
    "trex",
)

PARTS = ("masks", "reference_image", "scribbles")


def nvos_scene(root: Path, name: str, photos: Path | None = None) -> TruthScene:
    """One scene of an NVOS folder; ``photos`` is the LLFF folder where it is not inside ``root``.

    Raises:
        SceneError: something of the layout is missing; the sentence says what and where it was looked for.
    """
    labels = _labels(Path(root))
    masks = [file for file in photos_in(labels / "masks" / name) if file.stem.endswith("_mask")]
    mask = _only(masks, f"file ending in _mask.png in {labels / 'masks' / name}")
    reference_folder = labels / "reference_image" / name
    reference = _only(photos_in(reference_folder), f"photo in {reference_folder}")
    strokes = photos_in(labels / "scribbles" / name)
    scribbles = Scribbles(
        *(
            _only(
                (file for file in strokes if file.stem.startswith(sign)),
                f"picture named {sign}… in {labels / 'scribbles' / name}",
            )
            for sign in ("pos", "neg")
        )
    )
    target_stem = mask.stem.removesuffix("_mask")
    base = name.split("_")[0]
    where = Path(photos) if photos is not None else Path(root)
    if not where.is_dir():
        raise SceneError(f"There is no folder {where}: give the folder of the LLFF scenes.")
    folders = photo_folders(where, [f"{base}_undistort", base])
    copies = [labels / part for part in PARTS]
    folders = [folder for folder in folders if not any(part in folder.parents for part in copies)]
    for folder in folders:
        by_stem = {photo.stem: photo for photo in photos_in(folder)}
        if reference.stem in by_stem and target_stem in by_stem:
            return TruthScene(
                name,
                photos_in(folder),
                by_stem[reference.stem],
                None,
                scribbles,
                {by_stem[target_stem]: mask},
            )
    looked = ", ".join(str(folder) for folder in folders) or f"no photo folder of {base} in {where}"
    raise SceneError(
        f"The photos {reference.stem} and {target_stem} of NVOS {name} were not found ({looked}): give the "
        "LLFF scenes, with the photos under their original names in images/."
    )


def _labels(root: Path) -> Path:
    for folder in (root, root / "llff", root / "labels" / "llff"):
        if all((folder / part).is_dir() for part in PARTS):
            return folder
    raise SceneError(
        f"{root} is not the NVOS annotation folder: masks, reference_image and scribbles should be in it, in "
        "llff/ or in labels/llff/."
    )


def _only(files: Iterable[Path], what: str) -> Path:
    found = sorted(files)
    if len(found) != 1:
        raise SceneError(
            f"NVOS has one {what}, here are {len(found)}: unpack the published annotations again."
        )
    return found[0]
