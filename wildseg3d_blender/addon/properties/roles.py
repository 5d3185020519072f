# SPDX-License-Identifier: GPL-3.0-or-later
"""What the .blend keeps of each object of a reconstruction: its role, and what that role needs."""

from __future__ import annotations

from typing import Any

import bpy

from ..scene import display, selecting
from ..session import previewing
from .objects import WildSeg3DGroup, preview_changed
from .photos import BLEND_RELATIVE, WildSeg3DPhoto
from .surfaces import WildSeg3DSurfaceSettings

ROLES = (
    ("NONE", "None", "Not made by WildSeg3D"),
    ("ROOT", "Root", "The Empty that carries a reconstruction's scale and orientation"),
    ("CAMERA", "Camera", "The camera of a photo"),
    ("POINTS", "Points", "The points that belong to no object yet"),
    ("OBJECT", "Object", "Points cut out as an object"),
    ("PROMPT", "Prompt", "A click or a box that says what belongs to an object"),
    ("SURFACE", "Surface", "A surface made of points"),
)


def _row(self: Any) -> int:
    return int(self.active_group)


def _set_row(self: Any, value: int) -> None:
    self.active_group = value
    selecting.select_mesh(self.id_data)


def _folder_set(self: Any, context: bpy.types.Context) -> None:
    self.anchor = bpy.data.filepath
    previewing.forget_answers()


def _display_changed(self: Any, context: bpy.types.Context) -> None:
    display.apply_settings(self.id_data)


class WildSeg3DObject(bpy.types.PropertyGroup):
    """What an object is to WildSeg3D."""

    role: bpy.props.EnumProperty(name="Role", items=ROLES, default="NONE", options={"HIDDEN"})

    # Root
    folder: bpy.props.StringProperty(
        name="Scene Folder",
        description="Where the reconstruction is kept; relative to the .blend when it can be",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
        update=_folder_set,
    )
    anchor: bpy.props.StringProperty(
        name="Anchor",
        description="The .blend that the scene folder's path is relative to: another than the open one "
        "where this was appended",
        subtype="FILE_PATH",
        options={"HIDDEN"},
    )
    state: bpy.props.StringProperty(
        name="State",
        description="Which state of the scene folder this shows: undo brings that back too",
        options={"HIDDEN"},
    )
    groups: bpy.props.CollectionProperty(type=WildSeg3DGroup)
    active_group: bpy.props.IntProperty(
        name="Active Object",
        description="The object that new prompts go to",
        update=preview_changed,
        options={"HIDDEN"},
    )
    row: bpy.props.IntProperty(
        name="Active Object",
        description="The object that new prompts go to. Choosing it in the list selects it in the viewport",
        get=_row,
        set=_set_row,
        options={"HIDDEN"},
    )
    photos: bpy.props.CollectionProperty(type=WildSeg3DPhoto)
    active_photo: bpy.props.IntProperty(name="Active Photo", options={"HIDDEN"})
    tips: bpy.props.StringProperty(
        name="Tips",
        description="Why the reconstruction is poor where it is, and what would help, a tip a line",
        options={"HIDDEN"},
    )
    photos_folder: bpy.props.StringProperty(
        name="Photos Folder",
        description="The folder all of whose photos it was made from; empty where they were chosen singly",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )
    aligned_for: bpy.props.StringProperty(
        name="Aligned For",
        description="The objects that the scene was last aligned for; none when it was for all points alike",
    )
    confidence_levels: bpy.props.FloatVectorProperty(
        name="Confidence Levels",
        description="Confidence at each twentieth of the points, from the least to the most certain",
        size=display.CONFIDENCE_LEVELS,
        options={"HIDDEN"},
    )
    point_size: bpy.props.FloatProperty(
        name="Size",
        description="Size of the points; at 1 they just touch",
        default=1.2,
        min=0.0,
        soft_max=4.0,
        update=_display_changed,
    )
    hide_uncertain: bpy.props.FloatProperty(
        name="Hide Uncertain",
        description="Hide this share of the points, the least certain first. Nothing is deleted",
        subtype="PERCENTAGE",
        default=0.0,
        min=0.0,
        max=100.0,
        precision=1,
        update=_display_changed,
    )
    share: bpy.props.FloatProperty(
        name="Show",
        description="Show this share of the points, picked at random, to keep the viewport fast. "
        "Nothing is deleted",
        subtype="PERCENTAGE",
        default=100.0,
        min=0.0,
        max=100.0,
        precision=1,
        update=_display_changed,
    )

    # Camera
    placed: bpy.props.FloatVectorProperty(
        name="Placed", description="Its matrix as WildSeg3D set it, row by row", size=16, options={"HIDDEN"}
    )

    # Camera and prompt
    view: bpy.props.StringProperty(name="Photo", description="The photo this belongs to")

    # Prompt
    group: bpy.props.StringProperty(name="Object", description="The object this prompt speaks about")
    part: bpy.props.IntProperty(name="Part", description="Number of the object's part it speaks about")
    subtract: bpy.props.BoolProperty(
        name="Takes Away", description="Whether that part is taken away from the object"
    )
    positive: bpy.props.BoolProperty(
        name="Positive",
        description="On: this shows what the part is. Off: it shows what the part is not",
        default=True,
    )
    number: bpy.props.IntProperty(name="Number", description="Place in the order of prompts")
    is_box: bpy.props.BoolProperty(name="Box", description="A box around the object, not a click")
    on_surface: bpy.props.BoolProperty(
        name="On the Surface",
        description="Off when the photo has no depth there; the prompt then floats at a typical depth",
        default=True,
    )

    # Points and objects
    origin: bpy.props.FloatVectorProperty(
        name="Origin", description="Where the object's origin was put, in the root's space", size=3
    )
    put_aside: bpy.props.EnumProperty(
        name="Put Aside",
        description="What hid it, and will show it again",
        items=(
            ("NO", "No", "It was not put aside"),
            ("ISOLATE", "Isolate", "Something else was isolated"),
            ("EYE", "Eye", "It was hidden, and what stands for it too"),
        ),
        options={"HIDDEN"},
    )

    # Surface
    source: bpy.props.PointerProperty(
        name="Points", description="The points that the surface was made of", type=bpy.types.Object
    )
    made_with: bpy.props.PointerProperty(
        name="Made With",
        description="The settings that the surface was made with",
        type=WildSeg3DSurfaceSettings,
    )
    outdated: bpy.props.BoolProperty(
        name="Outdated", description="Whether its points are others than when it was made"
    )
