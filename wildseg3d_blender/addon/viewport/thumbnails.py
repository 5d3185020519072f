# SPDX-License-Identifier: GPL-3.0-or-later
"""All photos along the bottom of the 3D view while prompts are placed, each with its mask.

Drawn from small textures: a photo's is made once, a mask's with each preview. A click on one goes there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ...errors import WildSegError
from ...scene.folder import Scene, View
from ..scene import framing, gripping, groups, lookup, reading, viewing
from ..session import previewing
from . import shapes, thumbnail_shader, tint, tools
from .thumbnail_slots import Slot, layout

MOST_BATCHES = 200

TEXTURES_IN = 0.02
"""Seconds after which no more textures are made in one drawing; what is left follows with the next ones."""

LEAST_TEXTURES = 4
"""So many are made whatever the time: each takes a millisecond at most, a drawing may take a second."""

SIDE = 192
"""Longer side of a thumbnail's textures, in pixels, about."""

WHITE = (1.0, 1.0, 1.0, 1.0)

_textures: dict[str, Any] = {}
"""View -> its photo, of the scene drawn last."""

_textures_of: list[str] = []
"""That scene's folder and when it was written; empty before the first."""

_masks: dict[str, tuple[str, Any]] = {}
"""View -> the key of the preview, and its mask."""

_blank: list[Any] = []
"""A mask of nothing, once there is one, of the same kind as others: no program is compiled anew for those."""

_batches: dict[Slot, Any] = {}
"""What is drawn where a thumbnail is."""

_shader: Any = None

_unfinished = False
"""Textures were left for the next drawing."""


@dataclass
class Budget:
    """Until when textures may be made in one drawing, ``LEAST_TEXTURES`` in any case."""

    until: float
    made: int = 0

    def texture(self, pixels: Callable[[], NDArray[np.float32]], kind: str) -> Any | None:
        """A texture of those pixels, or None where no time is left."""
        global _unfinished
        if self.made >= LEAST_TEXTURES and time.perf_counter() > self.until:
            _unfinished = True
            return None
        self.made += 1
        return _upload(pixels(), kind)


def forget() -> None:
    """Free what is on the graphics card."""
    global _shader, _unfinished
    _textures.clear()
    _textures_of.clear()
    _masks.clear()
    _blank.clear()
    _batches.clear()
    _shader, _unfinished = None, False


def compiled() -> bool:
    """Whether they were drawn before."""
    return _shader is not None


def take_unfinished() -> bool:
    """Whether there was no time for all of them in the last drawing, so that they should be drawn again."""
    global _unfinished
    left, _unfinished = _unfinished, False
    return left


def view_at(context: bpy.types.Context, mouse: tuple[float, float]) -> str | None:
    """The photo whose thumbnail is under the mouse, or None."""
    opened = _shown_scene(context)
    if opened is None:
        return None
    return next((slot.view for slot in _slots(context, opened) if slot.holds(*mouse)), None)


def draw(context: bpy.types.Context) -> None:
    """Draw them in the region at hand; call after everything else."""
    opened = _shown_scene(context)
    if opened is None:
        return
    _forget_other_scenes(opened)
    shown = previewing.shown()
    current, root = _current(context), lookup.require_root(context.scene)
    shader = _compiled()
    slots = _slots(context, opened)
    budget = Budget(time.perf_counter() + TEXTURES_IN)
    # The photo looked through has its textures first.
    for slot in sorted(slots, key=lambda slot: slot.view != current):
        view = opened.view(slot.view)
        if slot.view == current:
            _frame(slot, context.preferences.system.ui_scale)
        photo, mask = _photo(opened, view, budget), None
        if photo is None:
            continue
        if shown is not None and slot.view in shown.preview.masks:
            mask = _mask(shown, slot.view, budget)
        shader.bind()
        projection = gpu.matrix.get_projection_matrix() @ gpu.matrix.get_model_view_matrix()
        shader.uniform_float("to_clip", projection)
        strength = 0.0 if mask is None or shown is None else (tint.FADED if shown.outdated else 1.0)
        shader.uniform_float("tint", (*tint.colour_of(root), 0.6 * strength))
        shader.uniform_float("outline", (*tint.outline_of(root), strength))
        shader.uniform_float("shade", 1.0 if slot.view == current or current == "" else 0.8)
        shader.uniform_sampler("photo", photo)
        shader.uniform_sampler("mask", _no_mask() if mask is None else mask)
        _batch(slot, shader).draw(shader)
    _draw_clicks(opened, root, slots, context.preferences.system.ui_scale)


def _shown_scene(context: bpy.types.Context) -> Scene | None:
    """The scene whose photos are to be shown in the view at hand, or None."""
    if not (context.scene.wildseg3d.thumbnails and tools.is_active(context)):
        return None
    root = lookup.active_root(context.scene)
    if root is None or not context.space_data.overlay.show_overlays:
        return None
    try:
        return lookup.open_scene(root)
    except WildSegError:
        return None  # the panel says what is wrong with the scene folder


def _current(context: bpy.types.Context) -> str:
    camera = viewing.photo_camera(context.space_data, context.region_data, context.scene)
    return "" if camera is None else str(camera.wildseg3d.view)


def _slots(context: bpy.types.Context, scene: Scene) -> list[Slot]:
    left, _, right, _ = framing.free_of(context.area, context.region, {"TOOLS", "UI", "HUD"})
    root = lookup.require_root(context.scene)
    placed = {item.wildseg3d.view for item in lookup.cameras(root)}
    views = [(view.name, view.size[0] / view.size[1]) for view in scene.views if view.name in placed]
    scale = context.preferences.system.ui_scale
    return layout(sorted(views), _current(context), left, right, float(context.region.height), scale)


def _forget_other_scenes(scene: Scene) -> None:
    """Free the photos of a scene that was drawn before, or of this one before it was reconstructed again."""
    stamp = f"{scene.folder} {(scene.folder / 'scene.json').stat().st_mtime_ns}"
    if _textures_of != [stamp]:
        _textures.clear()
        _textures_of[:] = [stamp]


def _photo(scene: Scene, view: View, budget: Budget) -> Any | None:
    """A photo as a texture; None where there was no time to make it yet."""

    def pixels() -> NDArray[np.float32]:
        colours = np.asarray(_thinned(scene.colours(view)), np.float32) / 255.0
        return np.dstack([colours, np.ones(colours.shape[:2], np.float32)])

    if view.name not in _textures:
        made = budget.texture(pixels, "RGBA8")
        if made is None:
            return None
        _textures[view.name] = made
    return _textures[view.name]


def _mask(shown: previewing.Shown, view: str, budget: Budget) -> Any | None:
    """A preview's mask in a view as a texture; None where there was no time to make it yet."""
    known = _masks.get(view)
    if known is None or known[0] != shown.key:
        made = budget.texture(lambda: _thinned(shown.preview.masks[view]).astype(np.float32), "R8")
        if made is None:
            return None
        known = _masks[view] = (shown.key, made)
    return known[1]


def _no_mask() -> Any:
    if not _blank:
        _blank.append(_upload(np.zeros((3, 5), np.float32), "R8"))
    return _blank[0]


def _batch(slot: Slot, shader: Any) -> Any:
    if slot not in _batches:
        right, high = slot.left + slot.width, slot.low + slot.height
        content = {
            "place": [(slot.left, slot.low), (right, slot.low), (right, high), (slot.left, high)],
            "corner": [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)],
        }
        while len(_batches) >= MOST_BATCHES:
            _batches.popitem()
        _batches[slot] = batch_for_shader(shader, "TRI_FAN", content)
    return _batches[slot]


def _thinned(picture: NDArray[Any]) -> NDArray[Any]:
    step = max(1, round(max(picture.shape[:2]) / SIDE))
    return picture[step // 2 :: step, step // 2 :: step]


def _upload(pixels: NDArray[np.float32], kind: str) -> Any:
    data = gpu.types.Buffer("FLOAT", pixels.size, np.ascontiguousarray(pixels).ravel())
    return gpu.types.GPUTexture((pixels.shape[1], pixels.shape[0]), format=kind, data=data)


def _frame(slot: Slot, scale: float) -> None:
    """A bright rim, and the photo's name above."""
    rim = 2.0 * scale
    middle = (slot.left + slot.width / 2, slot.low + slot.height / 2)
    shapes.draw("TRI_FAN", shapes.bar(middle, slot.width / 2 + rim, slot.height / 2 + rim), WHITE)
    blf.size(0, 11.0 * scale)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, 0.0, 0.0, 0.0, 1.0)
    blf.color(0, *WHITE)
    blf.position(0, slot.left, slot.low + slot.height + rim + 3.0 * scale, 0.0)
    blf.draw(0, slot.view)
    blf.disable(0, blf.SHADOW)


def _draw_clicks(scene: Scene, root: bpy.types.Object, slots: list[Slot], scale: float) -> None:
    """A dot for each click of the active object."""
    item = groups.active(root)
    where = {slot.view: slot for slot in slots}
    for prompt in [] if item is None else lookup.prompts(root, item.name):
        slot = where.get(prompt.wildseg3d.view)
        if slot is None or prompt.wildseg3d.is_box:
            continue
        try:
            click = reading.read(scene, root, prompt)
        except WildSegError:
            continue  # moved out of its photo; the panel says so
        width, height = scene.view(slot.view).size
        x, y = gripping.centre_of(click)
        at = (slot.left + x / width * slot.width, slot.low + (1.0 - y / height) * slot.height)
        shapes.draw("TRI_FAN", shapes.disc(at, 3.5 * scale), (0.0, 0.0, 0.0, 1.0))
        shapes.draw("TRI_FAN", shapes.disc(at, 2.5 * scale), tuple(prompt.color))


def _compiled() -> Any:
    global _shader, _unfinished
    if _shader is None:
        _unfinished = True  # other programs wait for the next drawing
        _shader = thumbnail_shader.make()
    return _shader
