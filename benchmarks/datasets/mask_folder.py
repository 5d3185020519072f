# SPDX-License-Identifier: GPL-3.0-or-later
"""Any photo set with a folder of masks named after their photos."""

from __future__ import annotations

from pathlib import Path

from wildseg3d_blender.errors import SceneError

from .truth_scene import TruthScene, photos_in


def mask_folder_scene(name: str, photos: Path, masks: Path, reference: str) -> TruthScene:
    """The photos in one folder, masks ``<photo's stem>.png`` in another, clicked in the photo ``reference``.

    Raises:
        SceneError: no photos, no mask of the reference, or no other mask.
    """
    taken = photos_in(Path(photos))
    if not taken:
        raise SceneError(f"There are no photos in {photos}: give the folder that holds them.")
    masked = {photo: Path(masks) / f"{photo.stem}.png" for photo in taken}
    masked = {photo: mask for photo, mask in masked.items() if mask.is_file()}
    pointed = [photo for photo in masked if photo.stem == reference]
    if not pointed or len(masked) < 2:
        raise SceneError(
            f"{masks} needs {reference}.png and one more mask named after a photo in {photos}: it has "
            f"{', '.join(mask.name for mask in masked.values()) or 'none'}."
        )
    targets = {photo: mask for photo, mask in masked.items() if photo != pointed[0]}
    return TruthScene(name, taken, pointed[0], masked[pointed[0]], None, targets)
