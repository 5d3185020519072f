# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview as Blender shows it: a tint over the photo, and over the points where no photo is.

Drawn, not stored: no mesh is touched, so that it costs no undo step and no evaluation of a million points.
"""

from __future__ import annotations

from typing import Any

import bpy
import gpu
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Vector
from numpy.typing import NDArray

from ...errors import WildSegError
from ...scene.folder import View
from ..scene import groups, lookup, preview_points
from ..session import previewing
from ..session.preview_answers import Preview

PHOTO_ALPHA = 0.38
OUTLINE_ALPHA = 0.95

PALE = 0.7
"""Share of white in an outline, which is the object's colour beside that."""

POINTS_ALPHA = 0.55
"""Stronger than over the photo: points are speckled."""

FADED = 0.45
"""Strength of a preview that a newer one is about to replace."""

_PHOTO_VERTEX = """
void main()
{
  at = corner;
  gl_Position = to_clip * vec4(place, 0.0, 1.0);
}
"""

# A pale line with a dark rim: on any photo one of the two stands out, whatever the object's colour.
# The mask is interpolated here, as which filter a texture has differs between Blender's versions. A short
# program: where the processor draws, compiling it is what the first preview waits for.
_PHOTO_FRAGMENT = """
float mask_at(ivec2 cell)
{
  return texelFetch(mask, clamp(cell, ivec2(0), textureSize(mask, 0) - 1), 0).r;
}

float mask_between(vec2 place)
{
  ivec2 cell = ivec2(floor(place));
  vec2 part = place - floor(place);
  float low = mix(mask_at(cell), mask_at(cell + ivec2(1, 0)), part.x);
  float high = mix(mask_at(cell + ivec2(0, 1)), mask_at(cell + ivec2(1, 1)), part.x);
  return mix(low, high, part.y);
}

void main()
{
  vec2 place = at * vec2(textureSize(mask, 0)) - 0.5;
  float inside = mask_between(place);
  float from_edge = abs(inside - 0.5) / max(fwidth(inside), 1e-4);
  float line = 1.0 - smoothstep(0.8, 1.8, from_edge);
  float rim = 1.0 - smoothstep(1.8, 3.2, from_edge);
  vec4 filling = vec4(tint.rgb, tint.a * smoothstep(0.4, 0.6, inside));
  vec4 rimmed = mix(filling, vec4(0.0, 0.0, 0.0, outline.a), rim * 0.8);
  fragment = mix(rimmed, outline, line * outline.a);
}
"""

# The points lie in the squares that show them, so they are drawn a little nearer.
_POINTS_VERTEX = """
void main()
{
  gl_Position = to_clip * vec4(place, 1.0);
  gl_Position.z -= 0.002 * gl_Position.w;
  gl_PointSize = clamp(size * pixels / gl_Position.w, 1.5, 64.0);
}
"""

_POINTS_FRAGMENT = """
void main()
{
  fragment = tint;
}
"""

_shaders: dict[str, Any] = {}
_textures: dict[str, tuple[str, Any]] = {}
"""View name -> the key of the question it answers, and the mask as a texture."""

_batches: dict[str, Any] = {}
_batches_for: tuple[object, ...] = ()


def colour_of(root: bpy.types.Object | None) -> tuple[float, float, float]:
    """The colour of the object that the preview is of: the list's active one."""
    item = None if root is None else groups.active(root)
    red, green, blue = (0.25, 0.64, 1.0) if item is None else item.colour
    return red, green, blue


def outline_of(root: bpy.types.Object | None) -> tuple[float, float, float]:
    """The colour of the preview's outline."""
    red, green, blue = (PALE + (1.0 - PALE) * value for value in colour_of(root))
    return red, green, blue


def forget() -> None:
    """Free what is on the graphics card."""
    global _batches_for
    _shaders.clear()
    _textures.clear()
    _batches.clear()
    _batches_for = ()


def compile_for_photo(context: bpy.types.Context, camera: bpy.types.Object, view: View) -> None:
    """Have the first preview not wait for its program: draw nothing with it, where ``draw_on_photo`` would.

    Some drivers compile only what is drawn, and anew for a texture of another kind or size.
    """
    if "photo" not in _shaders:
        nothing = (0.0, 0.0, 0.0, 0.0)
        _draw_photo(context, camera, view, _uploaded(np.zeros(view.size[::-1], np.float32)), nothing, nothing)


def draw_on_photo(context: bpy.types.Context, camera: bpy.types.Object, view: View) -> None:
    """Tint the photo in a region that looks through its camera; call after everything else was drawn."""
    shown = previewing.shown()
    if shown is None or view.name not in shown.preview.masks:
        return
    strength, root = FADED if shown.outdated else 1.0, lookup.root_of(camera)
    filling = (*colour_of(root), 0.0 if shown.applied else PHOTO_ALPHA * strength)
    outline = (*outline_of(root), OUTLINE_ALPHA * strength)
    _draw_photo(context, camera, view, _texture(shown.key, view.name, shown.preview), filling, outline)


def _draw_photo(
    context: bpy.types.Context,
    camera: bpy.types.Object,
    view: View,
    mask: Any,
    filling: tuple[float, ...],
    outline: tuple[float, ...],
) -> None:
    corners = [_in_region(context, camera, view, x, y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
    if None in corners:
        return
    shader = _photo_shader()
    shader.bind()
    shader.uniform_float("to_clip", gpu.matrix.get_projection_matrix() @ gpu.matrix.get_model_view_matrix())
    shader.uniform_float("tint", filling)
    shader.uniform_float("outline", outline)
    shader.uniform_sampler("mask", mask)
    content = {
        "place": [tuple(corner) for corner in corners if corner is not None],
        "corner": [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
    }
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, "TRI_FAN", content).draw(shader)
    gpu.state.blend_set("NONE")


def draw_on_points(context: bpy.types.Context, root: bpy.types.Object) -> None:
    """Tint the points in a region that looks freely around; call while its 3D content is drawn."""
    shown = previewing.shown()
    if shown is None or shown.applied:
        return
    shader = _points_shader()
    _prepare_batches(root, shown.key, shown.preview, shader)
    strength = FADED if shown.outdated else 1.0
    wrote_depth = gpu.state.depth_mask_get()
    shader.bind()
    shader.uniform_float("tint", (*colour_of(root), POINTS_ALPHA * strength))
    gpu.state.program_point_size_set(True)
    gpu.state.depth_test_set("LESS_EQUAL")
    # Points of many photos lie on one another: the depth first, then colour on the nearest alone.
    gpu.state.depth_mask_set(True)
    gpu.state.color_mask_set(False, False, False, False)
    _draw_batches(context, root, shader)
    gpu.state.color_mask_set(True, True, True, True)
    gpu.state.depth_mask_set(wrote_depth)
    gpu.state.blend_set("ALPHA")
    _draw_batches(context, root, shader)
    gpu.state.blend_set("NONE")
    gpu.state.depth_test_set("NONE")
    gpu.state.program_point_size_set(False)


def _draw_batches(context: bpy.types.Context, root: bpy.types.Object, shader: Any) -> None:
    region_3d = context.region_data
    for name, batch in _batches.items():
        item = bpy.data.objects.get(name)
        if item is None or not item.visible_get():
            continue
        scale = item.matrix_world.median_scale * root.wildseg3d.point_size
        shader.uniform_float("to_clip", region_3d.perspective_matrix @ item.matrix_world)
        shader.uniform_float("pixels", scale * region_3d.window_matrix[1][1] * context.region.height / 2)
        batch.draw(shader)


def _prepare_batches(root: bpy.types.Object, key: str, preview: Preview, shader: Any) -> None:
    global _batches_for
    wanted = (root.name, key, preview_points.fingerprint(root))
    if wanted == _batches_for:
        return
    _batches_for = wanted
    _batches.clear()
    try:
        found = preview_points.selected(lookup.open_scene(root), root, preview.masks)
    except WildSegError:
        return  # the panel says what is wrong with the scene folder; Segment with the points
    for name, points in found.items():
        content = {"place": points.position, "size": points.size}
        _batches[name] = batch_for_shader(shader, "POINTS", content)


def _in_region(
    context: bpy.types.Context, camera: bpy.types.Object, view: View, across: float, down: float
) -> Vector | None:
    """Where a place of the photo, in shares of its sides, is in the region."""
    x = (across * view.size[0] - view.K[0, 2]) / view.K[0, 0]
    y = (down * view.size[1] - view.K[1, 2]) / view.K[1, 1]
    position = camera.matrix_world @ Vector((x, -y, -1.0))
    return location_3d_to_region_2d(context.region, context.region_data, position)


def _texture(key: str, view: str, preview: Preview) -> Any:
    known = _textures.get(view)
    if known is None or known[0] != key:
        values = _softened(preview.masks[view])
        known = _textures[view] = key, _uploaded(values)
    return known[1]


def _softened(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A mask (H, W) spread over a little more than a pixel, so that its outline has no stairs."""
    padded = np.pad(mask.astype(np.float32), 1, mode="edge")
    rows = 0.4 * padded[1:-1] + 0.3 * (padded[:-2] + padded[2:])
    return 0.4 * rows[:, 1:-1] + 0.3 * (rows[:, :-2] + rows[:, 2:])


def _uploaded(values: NDArray[np.float32]) -> Any:
    """Values (H, W) in [0, 1] as a texture of a byte each."""
    data = gpu.types.Buffer("FLOAT", values.size, np.ascontiguousarray(values, np.float32).ravel())
    return gpu.types.GPUTexture(values.shape[::-1], format="R8", data=data)


def _photo_shader() -> Any:
    if "photo" not in _shaders:
        info = gpu.types.GPUShaderCreateInfo()
        info.push_constant("MAT4", "to_clip")
        info.push_constant("VEC4", "tint")
        info.push_constant("VEC4", "outline")
        info.sampler(0, "FLOAT_2D", "mask")
        between = gpu.types.GPUStageInterfaceInfo("wildseg3d_photo")
        between.smooth("VEC2", "at")
        info.vertex_in(0, "VEC2", "place")
        info.vertex_in(1, "VEC2", "corner")
        info.vertex_out(between)
        info.fragment_out(0, "VEC4", "fragment")
        info.vertex_source(_PHOTO_VERTEX)
        info.fragment_source(_PHOTO_FRAGMENT)
        _shaders["photo"] = gpu.shader.create_from_info(info)
    return _shaders["photo"]


def _points_shader() -> Any:
    if "points" not in _shaders:
        info = gpu.types.GPUShaderCreateInfo()
        info.push_constant("MAT4", "to_clip")
        info.push_constant("VEC4", "tint")
        info.push_constant("FLOAT", "pixels")
        info.vertex_in(0, "VEC3", "place")
        info.vertex_in(1, "FLOAT", "size")
        info.fragment_out(0, "VEC4", "fragment")
        info.vertex_source(_POINTS_VERTEX)
        info.fragment_source(_POINTS_FRAGMENT)
        _shaders["points"] = gpu.shader.create_from_info(info)
    return _shaders["points"]
