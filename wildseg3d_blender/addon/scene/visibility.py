# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a reconstruction is seen: one thing alone, all but the rest, points or surfaces.

Hidden is what the outliner's eye says, and hidden in renders too: what is put away must not come back there.
What these functions hid they show again; what the artist hid stays hidden.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import bpy

from ...errors import SceneError
from . import lookup


def hide(item: bpy.types.Object, hidden: bool) -> None:
    """Hide an object in the viewport and in renders, or show it again."""
    if not hidden:
        item.hide_viewport = False
    item.hide_render = hidden
    # Not by asking the view layer's list, which does not have what was made since its last update.
    with contextlib.suppress(RuntimeError):  # the view layer leaves its collection out
        item.hide_set(hidden)


def is_shown(item: bpy.types.Object) -> bool:
    """Whether an object is shown in the viewport."""
    return bool(item.visible_get()) and not item.hide_viewport


def stands_for(root: bpy.types.Object, source: bpy.types.Object) -> bpy.types.Object:
    """What is seen of points: the surface made of them where it is shown in their place, else they."""
    shown = [item for item in lookup.surfaces(root, source) if is_shown(item)]
    return source if is_shown(source) or not shown else shown[0]


def is_isolated(root: bpy.types.Object) -> bool:
    """Whether things are hidden because another one is isolated."""
    return any(item.wildseg3d.put_aside == "ISOLATE" for item in _things(root))


def isolate(root: bpy.types.Object, source: bpy.types.Object) -> None:
    """Show only these points and the surfaces made of them; ``show_all`` goes back."""
    show_all(root)
    own = _own(root, source)
    _put_aside((item for item in _things(root) if item not in own), "ISOLATE")
    if not is_seen(root, source):
        hide(own[-1], False)


def show_all(root: bpy.types.Object) -> None:
    """Show again what ``isolate`` hid."""
    _bring_back(_things(root), "ISOLATE")


def is_seen(root: bpy.types.Object, source: bpy.types.Object) -> bool:
    """Whether points or a surface made of them are shown."""
    return any(is_shown(item) for item in _own(root, source))


def set_seen(root: bpy.types.Object, source: bpy.types.Object, seen: bool) -> None:
    """Hide points and the surfaces made of them, or show again which of them were shown."""
    own = _own(root, source)
    if not seen:
        _put_aside(own, "EYE")
        return
    for why in ("EYE", "ISOLATE"):  # what is asked for by name is shown beside the isolated
        if not is_seen(root, source):
            _bring_back(own, why)
    if not is_seen(root, source):  # hidden by other means
        hide(own[-1], False)


def show_as(root: bpy.types.Object, source: bpy.types.Object, surface: bool) -> None:
    """Show points as the surface made of them, or as points.

    Raises:
        SceneError: no surface was made of them.
    """
    own = _own(root, source)
    if surface and len(own) < 2:
        raise SceneError(
            f"No surface was made of {source.name} yet: press Make Surface.", fix="wildseg3d.make_surface"
        )
    for item in own:
        hide(item, surface == (item is own[0]))
        item.wildseg3d.put_aside = "NO"


def cameras_are_seen(scene: bpy.types.Scene, root: bpy.types.Object) -> bool:
    """Whether photos' cameras are shown, not counting the scene's."""
    return any(is_shown(item) for item in lookup.cameras(root) if item != scene.camera)


def set_cameras_seen(scene: bpy.types.Scene, root: bpy.types.Object, seen: bool) -> None:
    """Show the frames of the photos' cameras in the viewport, or hide all but that of the scene's camera:
    looking through a hidden one, Blender draws no photo."""
    for item in lookup.cameras(root):
        _set_camera_seen(item, seen or item == scene.camera)


def change_camera(scene: bpy.types.Scene, camera: bpy.types.Object) -> None:
    """Make a photo's camera the scene's; where cameras are hidden, it is seen in place of the one before."""
    before, scene.camera = scene.camera, camera
    if before == camera or is_shown(camera):
        return
    _set_camera_seen(camera, True)
    if before is not None and before.wildseg3d.role == "CAMERA":
        _set_camera_seen(before, False)


def _set_camera_seen(camera: bpy.types.Object, seen: bool) -> None:
    if seen:
        camera.hide_viewport = False
    with contextlib.suppress(RuntimeError):  # the view layer leaves its collection out
        camera.hide_set(not seen)


def points_changed(source: bpy.types.Object) -> None:
    """Points are other ones than before: a surface made of them is outdated, and they take its place."""
    root = lookup.root_of(source)
    for surface in lookup.surfaces(root, source) if root is not None else ():
        surface.wildseg3d.outdated = True
        if is_shown(surface):
            hide(surface, True)
            hide(source, False)
        elif surface.wildseg3d.put_aside != "NO":
            source.wildseg3d.put_aside, surface.wildseg3d.put_aside = surface.wildseg3d.put_aside, "NO"


def _put_aside(items: Iterable[bpy.types.Object], why: str) -> None:
    for item in [item for item in items if is_shown(item)]:
        hide(item, True)
        item.wildseg3d.put_aside = why


def _bring_back(items: Iterable[bpy.types.Object], why: str) -> None:
    for item in [item for item in items if item.wildseg3d.put_aside == why]:
        hide(item, False)
        item.wildseg3d.put_aside = "NO"


def _things(root: bpy.types.Object) -> list[bpy.types.Object]:
    return lookup.point_objects(root) + lookup.surfaces(root)


def _own(root: bpy.types.Object, source: bpy.types.Object) -> list[bpy.types.Object]:
    """Points, then the surfaces made of them."""
    return [source, *lookup.surfaces(root, source)]
