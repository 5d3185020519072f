# SPDX-License-Identifier: GPL-3.0-or-later
"""An object of the list into a file for other programs. Thin over ``scene.exporting``.

Blender's own exporters make of the points what their defaults say: nothing at all in glTF, squares in PLY.
"""

from __future__ import annotations

from pathlib import Path

import bpy

from ...files.names import file_stem
from ..panels.drawing import draw_text
from ..scene import exporting, groups, lookup, surfaces, visibility
from .base import reporting
from .objects import OfCutOut

KINDS = {
    ".glb": ("glTF", "Meshes with their pictures, for most programs; points as small squares"),
    ".ply": ("PLY", "Points as points, with their colours; meshes without their pictures"),
    ".usdc": ("USD", "Meshes with their pictures, for film and other 3D programs; points as small squares"),
    ".obj": ("OBJ", "For old programs; points as points, with their colours"),
}
"""Ending -> name, and what it is good for."""


class WILDSEG3D_OT_object_export(OfCutOut, bpy.types.Operator):
    """Write what the object shows, its points or its surface, into a file for other programs"""

    bl_idname = "wildseg3d.object_export"
    bl_label = "Export"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(
        name="File", description="Its ending says of what kind", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    kind: bpy.props.EnumProperty(
        name="Format",
        items=tuple((ending, title, what) for ending, (title, what) in KINDS.items()),
        options={"SKIP_SAVE"},
    )
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{ending}" for ending in exporting.ENDINGS), options={"HIDDEN"}
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Beside the files: what kind, and what it is good for."""
        self.layout.prop(self, "kind", expand=True)
        draw_text(self.layout, context, f"{KINDS[self.kind][1]}.", dim=True)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for a file, unless a script named one."""
        if self.filepath:
            return self.execute(context)
        name = groups.require(lookup.require_root(context.scene), self.name).name
        self.kind = ".ply" if self._shown(context).wildseg3d.role == "OBJECT" else ".glb"
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        self.filepath = str(folder / f"{file_stem(name)}{self.kind}")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """Called by Blender when something was set in the file browser: the name ends as the format says."""
        file = Path(self.filepath)
        stem = file.stem if file.suffix.lower() in exporting.ENDINGS else file.name
        wanted = str(file.with_name(f"{stem or 'object'}{self.kind}"))
        changed = wanted != self.filepath
        self.filepath = wanted
        return changed

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it."""
        file = exporting.export([self._shown(context)], bpy.path.abspath(self.filepath))
        self.report({"INFO"}, f"Wrote {file}.")
        return {"FINISHED"}

    def _shown(self, context: bpy.types.Context) -> bpy.types.Object:
        """The object's points, or the surface that is shown in their place. SceneError where it has none."""
        root = lookup.require_root(context.scene)
        points = surfaces.points_of(root, groups.require(root, self.name).name)
        return visibility.stands_for(root, points)


CLASSES = (WILDSEG3D_OT_object_export,)
