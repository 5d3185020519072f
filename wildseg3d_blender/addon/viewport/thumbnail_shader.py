# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that draws a photo's thumbnail with its mask: tinted inside, a line along the outline."""

from __future__ import annotations

from typing import Any

import gpu

_VERTEX = """
void main()
{
  at = corner;
  gl_Position = to_clip * vec4(place, 0.0, 1.0);
}
"""

_FRAGMENT = """
void main()
{
  vec3 colour = texture(photo, at).rgb * shade;
  float inside = texture(mask, at).r;
  float line = 1.0 - smoothstep(0.15, 0.4, abs(inside - 0.5));
  colour = mix(colour, tint.rgb, tint.a * smoothstep(0.35, 0.65, inside));
  fragment = vec4(mix(colour, outline.rgb, line * outline.a), 1.0);
}
"""


def make() -> Any:
    """Compile it: a ``gpu.types.GPUShader``; each vertex has a place in the region and one in the photo."""
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("MAT4", "to_clip")
    info.push_constant("VEC4", "tint")
    info.push_constant("VEC4", "outline")
    info.push_constant("FLOAT", "shade")
    info.sampler(0, "FLOAT_2D", "photo")
    info.sampler(1, "FLOAT_2D", "mask")
    between = gpu.types.GPUStageInterfaceInfo("wildseg3d_thumbnail")
    between.smooth("VEC2", "at")
    info.vertex_in(0, "VEC2", "place")
    info.vertex_in(1, "VEC2", "corner")
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "fragment")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    return gpu.shader.create_from_info(info)
