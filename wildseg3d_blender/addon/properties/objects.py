# SPDX-License-Identifier: GPL-3.0-or-later
"""What the .blend keeps of the objects in the list; ``properties`` hangs it under the root Empty."""

from __future__ import annotations

from typing import Any

import bpy

from ...prompts import MOST_SIZES
from ..scene import following, groups, parts, selecting
from ..session import previewing, runtime

WHO_GETS_SHARED = (
    ("TAKE", "Taken by This Object", "What this object and others both hold goes to this one"),
    ("LEAVE", "Left to the Others", "What others hold already stays with them"),
)
"""Items of an enum: who gets points that several objects want."""


def _renamed(self: Any, context: bpy.types.Context) -> None:
    groups.rename(self.id_data, self)
    # While the worker writes into the scene folder, that waits for the worker's end.
    if self.version and runtime.current_job() is None:
        following.follow_if_there(self.id_data)


def _coloured(self: Any, context: bpy.types.Context) -> None:
    if (mesh := groups.mesh_object(self)) is not None:
        mesh.color = (*self.colour, 1.0)


def _is_visible(self: Any) -> bool:
    return selecting.is_visible(self)


def _set_visible(self: Any, value: bool) -> None:
    selecting.set_visible(self, value)


def _shared_changed(self: Any, context: bpy.types.Context) -> None:
    self.applied = ""  # so that the next Segment does it


def preview_changed(self: Any, context: bpy.types.Context) -> None:
    """For ``update``: what Segment would cut out may be something else now."""
    previewing.touch()


class WildSeg3DPart(bpy.types.PropertyGroup):
    """A part of an object: the object itself, or what is added to it or taken away from it."""

    number: bpy.props.IntProperty(
        name="Number", description="Prompts name their part by it", default=parts.WHOLE, options={"HIDDEN"}
    )
    subtract: bpy.props.BoolProperty(
        name="Taken Away", description="Off: added to the object. On: taken away from it"
    )
    size: bpy.props.IntProperty(
        name="Size",
        description="0: what fits the prompts best. Above: the next larger thing that holds it. "
        "Below: the next smaller one",
        min=-MOST_SIZES,
        max=MOST_SIZES,
        update=preview_changed,
    )


class WildSeg3DGroup(bpy.types.PropertyGroup):
    """An object of the list: its prompts, by name, and the mesh they made."""

    name: bpy.props.StringProperty(
        name="Name",
        description="Name of the object; its prompts and its mesh follow",
        update=_renamed,
    )
    previous_name: bpy.props.StringProperty(options={"HIDDEN"})
    object: bpy.props.PointerProperty(
        name="Object", description="The mesh that was cut out, once there is one", type=bpy.types.Object
    )
    parts: bpy.props.CollectionProperty(type=WildSeg3DPart)
    active_part: bpy.props.IntProperty(
        name="Active Part",
        description="The part that new prompts go to",
        update=preview_changed,
        options={"HIDDEN"},
    )
    shared: bpy.props.EnumProperty(
        name="Shared Points",
        description="Who gets points that other objects want too, from the next Segment on",
        items=WHO_GETS_SHARED,
        default="TAKE",
        update=_shared_changed,
    )
    colour: bpy.props.FloatVectorProperty(
        name="Colour",
        description="Tells the object from others in the list, in its preview and, as the object's colour, "
        "in the viewport",
        subtype="COLOR_GAMMA",
        size=3,
        min=0.0,
        max=1.0,
        default=(0.25, 0.64, 1.0),
        update=_coloured,
    )
    visible: bpy.props.BoolProperty(
        name="Visible",
        description="Show the object in the viewport",
        get=_is_visible,
        set=_set_visible,
    )
    version: bpy.props.StringProperty(
        name="Version", description="The object's version in the scene folder", options={"HIDDEN"}
    )
    put_back: bpy.props.StringProperty(
        name="Put back",
        description="The prompts as they were when the object was merged back; Segment leaves it alone "
        "until they change",
        options={"HIDDEN"},
    )
    applied: bpy.props.StringProperty(
        name="Applied prompts",
        description="The prompts as they were at the last Segment",
        options={"HIDDEN"},
    )
