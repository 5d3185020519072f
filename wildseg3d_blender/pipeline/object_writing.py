# SPDX-License-Identifier: GPL-3.0-or-later
"""An object into the scene folder: its place among the others, and what that changed for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import SceneError
from ..scene.folder import Scene
from ..scene.objects import SceneObject, object_folder, read_object, read_objects, write_object
from ..scene.ownership import changed, lost_unasked, order_for, owned_by
from ..scene.packed_views import ViewMasks
from . import answer_words


@dataclass(frozen=True)
class SegmentResult:
    """An object as written.

    Attributes:
        object: with all it claims.
        folder: where it is.
        owned: view name -> (H, W) bool, the points it owns.
        changed: other objects that own other points now than before.
        warnings: what the artist should know about it, a sentence each.
    """

    object: SceneObject
    folder: Path
    owned: ViewMasks
    changed: tuple[str, ...]
    warnings: tuple[str, ...]


def write_among_others(scene: Scene, item: SceneObject) -> SegmentResult:
    """Write an object, whose ``order`` is decided here, in the place of the one of its name.

    Raises:
        SceneError: the scene folder is gone or cannot be written, or another object in it is damaged.
    """
    others = read_objects(scene, but=item.name)
    before = owned_by(others)
    old = _as_it_was(scene, item.name)
    if old is not None:
        before = owned_by([*others, old])
    item = replace(item, order=order_for(item.groups, item.shared, old, others, before))
    folder = write_object(scene, item)
    after = owned_by([*others, item])
    owned = after[item.name]
    warnings = answer_words.on_masks(item.name, item.masks, measured=any_pixel(item.points))
    if any_pixel(item.points) and not any_pixel(owned):
        warnings += (
            f"{item.name} got no 3D points: other objects own all of them. Click on it where it should "
            "have its points, or remove those objects.",
        )
    warnings += answer_words.on_losses(item.name, lost_unasked(before, after, item.groups, item.name))
    return SegmentResult(item, folder, owned, changed(before, after, but=item.name), warnings)


def any_pixel(masks: ViewMasks) -> bool:
    """Whether the masks show anything in any view."""
    return any(bool(mask.any()) for mask in masks.values())


def _as_it_was(scene: Scene, name: str) -> SceneObject | None:
    """The object of that name; None when there is none, or only a damaged one, which is to be replaced."""
    folder = object_folder(scene, name)
    try:
        return None if folder is None else read_object(scene, folder)
    except SceneError:
        return None
