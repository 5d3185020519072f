# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the preferences about the neural engines: what is there, and the buttons."""

from __future__ import annotations

import bpy

from ...errors import WildSegError
from ...neural import licences, models
from ...neural.environment import Environment, find_environment
from ...neural.recipe import NEEDED_BYTES
from ...neural.space import readable
from .. import neural_task


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw it; called at every redraw, so it only looks at small files."""
    box = layout.box()
    box.label(text="Neural Engines (DUSt3R, SAM 2)")
    try:
        folder = neural_task.neural_folder(context)
        found = find_environment(folder)
        task = neural_task.current()
        if task is not None:
            _draw_task(box, task)
        else:
            _draw_environment(box, found)
        _draw_models(box)
        box.label(text=f"Environment: {folder}", icon="FILE_FOLDER")
    except WildSegError as error:
        box.label(text=error.message, icon="ERROR")


def _draw_task(layout: bpy.types.UILayout, task: neural_task.Task) -> None:
    row = layout.split(factor=0.8)
    text = "Stopping" if task.stopping else f"{task.title}: {task.text}"
    row.progress(factor=task.fraction, text=text)
    row.operator("wildseg3d.neural_cancel", icon="X")


def _draw_environment(layout: bpy.types.UILayout, found: Environment | None) -> None:
    if found is None:
        layout.label(text="Not installed. Photos can be reconstructed and segmented without.")
        if not bpy.app.online_access:
            layout.label(
                text="Online access is off: allow it in System > Network to install from the internet.",
                icon="INTERNET_OFFLINE",
            )
        # On a line of its own: buttons side by side cut it off.
        room = f"{readable(NEEDED_BYTES['cpu'])} on disk, {readable(NEEDED_BYTES['cu'])} with an NVIDIA card"
        layout.label(text=f"Needs {room}.", icon="DISK_DRIVE")
        row = layout.row()
        row.operator("wildseg3d.neural_install", text="Install", icon="IMPORT")
        row.operator("wildseg3d.neural_use_existing", text="Use Existing", icon="FILE_FOLDER")
        return
    layout.label(text=f"Installed: torch {found.versions.get('torch', '')} on {found.device}")
    row = layout.row()
    if not found.own:
        label = "Update" if found.outdated() else "Check and Repair"
        if licences.dust3r_wanted() and not found.dust3r:
            label = "Add DUSt3R"
        row.operator("wildseg3d.neural_install", text=label, icon="FILE_REFRESH")
    text = "Stop Using It" if found.own else f"Uninstall (frees {readable(found.bytes)})"
    row.operator("wildseg3d.neural_uninstall", text=text, icon="TRASH")


def _draw_models(layout: bpy.types.UILayout) -> None:
    for item in models.statuses():
        model = item.model
        column = layout.column(align=True)
        row = column.split(factor=0.75)
        size = readable(model.bytes) if model.bytes else "by hand"
        row.label(text=f"{model.title} ({size}, {model.licence})", icon="CHECKMARK" if item.path else "DOT")
        if model.restriction and not item.accepted:
            row.operator("wildseg3d.neural_accept", text="Licence").name = model.name
        elif not model.sha256:
            row.operator("wildseg3d.neural_confirm", text="Confirm File").name = model.name
        elif item.path is None:
            text = f"Go On ({readable(item.partial)} there)" if item.partial else "Download"
            row.operator("wildseg3d.neural_download", text=text, icon="IMPORT").name = model.name
        detail = column.row()
        detail.enabled = False
        detail.label(text=model.good_for)
