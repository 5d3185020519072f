# SPDX-License-Identifier: GPL-3.0-or-later
"""What WildSeg3D keeps in the .blend, so that undo, saving and reopening carry it without further care.

``Scene.wildseg3d`` holds the photos folder and points to the root Empty of the reconstruction at work.
``Object.wildseg3d`` says what an object is (``role``) and holds what that role needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ...errors import PhotoError
from ...reconstruct_settings import ALPHA_N, ALPHA_P, IMAGE_SIZE, ITERATIONS, MIN_CONFIDENCE
from .. import photo_list, problems
from ..scene import display, selecting
from ..session import previewing
from .objects import WildSeg3DGroup, WildSeg3DPart
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

# Blender 4.5 and later ask which paths may start with "//"; earlier ones do not know the word.
BLEND_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


def _photos_changed(self: Any, context: bpy.types.Context) -> None:
    if not self.photos:
        return
    try:
        photo_list.choose_folder(self.id_data, Path(bpy.path.abspath(self.photos)))
    except PhotoError as error:
        photo_list.clear(self.id_data)
        problems.remember(error)


def _row(self: Any) -> int:
    return int(self.active_group)


def _set_row(self: Any, value: int) -> None:
    self.active_group = value
    selecting.select_mesh(self.id_data)


def _folder_set(self: Any, context: bpy.types.Context) -> None:
    self.anchor = bpy.data.filepath
    previewing.forget_answers()


def _preview_changed(self: Any, context: bpy.types.Context) -> None:
    previewing.touch()


def _engines_changed(self: Any, context: bpy.types.Context) -> None:
    # Answers that failed for want of something may go well now.
    previewing.forget_answers()


def _display_changed(self: Any, context: bpy.types.Context) -> None:
    display.apply_settings(self.id_data)


class WildSeg3DPhoto(bpy.types.PropertyGroup):
    """A photo, chosen or of the reconstruction; one that was not placed says why, and what would help."""

    name: bpy.props.StringProperty(name="Photo", description="View name where it was placed, else file name")
    path: bpy.props.StringProperty(name="File", description="Where the photo is", subtype="FILE_PATH")
    placed: bpy.props.BoolProperty(name="Placed")
    reason: bpy.props.StringProperty(name="Reason")
    advice: bpy.props.StringProperty(name="Advice")


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
        update=_preview_changed,
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


class WildSeg3DScene(bpy.types.PropertyGroup):
    """What the panel works on."""

    photos: bpy.props.StringProperty(
        name="Photos",
        description="Folder with the photos of one scene. Setting it chooses all of them",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
        update=_photos_changed,
    )
    chosen: bpy.props.CollectionProperty(type=WildSeg3DPhoto)
    active_chosen: bpy.props.IntProperty(name="Active Photo", options={"HIDDEN"})
    whole_folder: bpy.props.StringProperty(
        name="Whole Folder",
        description="The folder that the chosen photos are all of; empty where they were chosen one by one",
        options={"HIDDEN"},
    )
    show_photos: bpy.props.BoolProperty(name="Photos", description="Unfold the photos", default=True)
    show_reconstruct: bpy.props.BoolProperty(
        name="Reconstruct", description="Unfold what belongs to reconstructing", default=True
    )
    show_advanced: bpy.props.BoolProperty(name="Advanced", description="Unfold what is seldom needed")
    image_size: bpy.props.IntProperty(
        name="Image Size",
        description="Longer side of the depth maps, in pixels: more is finer, slower and needs more memory",
        default=IMAGE_SIZE.default,
        min=IMAGE_SIZE.lowest,
        max=IMAGE_SIZE.highest,
        soft_min=256,
        soft_max=1024,
        step=64,
    )
    alpha_p: bpy.props.FloatProperty(
        name="Matching (α_p)",
        description="Dynamic Global Aligning: how much more pixels count where two photos agree; "
        "below 0 they count less. It matters where pairs of photos disagree about depth",
        default=ALPHA_P.default,
        min=ALPHA_P.lowest,
        max=ALPHA_P.highest,
    )
    alpha_n: bpy.props.FloatProperty(
        name="Other (α_n)",
        description="Dynamic Global Aligning: how much less pixels count where two photos do not agree; "
        "below 0 they count more",
        default=ALPHA_N.default,
        min=ALPHA_N.lowest,
        max=ALPHA_N.highest,
    )
    iterations: bpy.props.IntProperty(
        name="Iterations",
        description="Of the alignment, at most. It ends by itself as soon as nothing moves any more",
        default=ITERATIONS.default,
        min=ITERATIONS.lowest,
        max=ITERATIONS.highest,
    )
    min_confidence: bpy.props.FloatProperty(
        name="Min. Confidence",
        description="Pixels measured with less confidence than this get no point. 0 keeps all. The default "
        "engine measures 0 to 8, half of all points above 2 to 4. Hide Uncertain hides points without "
        "losing them",
        default=MIN_CONFIDENCE.default,
        min=MIN_CONFIDENCE.lowest,
        max=MIN_CONFIDENCE.highest,
        soft_max=8.0,
        step=10,
    )
    root: bpy.props.PointerProperty(
        name="Reconstruction",
        description="The reconstruction that the panel works on",
        type=bpy.types.Object,
        poll=lambda self, candidate: (
            candidate.wildseg3d.role == "ROOT" and candidate.name in self.id_data.objects
        ),
    )
    preview: bpy.props.BoolProperty(
        name="Preview",
        description="Tint what Segment would cut out, over the photos and on the points",
        default=True,
        update=_preview_changed,
    )
    thumbnails: bpy.props.BoolProperty(
        name="Thumbnails",
        description="Show all photos with their masks along the bottom while prompts are placed; "
        "click on one to look through it",
        default=True,
    )
    engines: bpy.props.EnumProperty(
        name="Engine",
        description="What reconstructs photos and finds objects in them",
        items=(
            ("AUTO", "Auto", "Neural where it is installed and found a graphics card, else the default one"),
            ("DEFAULT", "Default", "Stereo and graph cuts: nothing to download, no graphics card needed"),
            ("NEURAL", "Neural", "DUSt3R and SAM 2. They are installed in the add-on's preferences"),
        ),
        default="AUTO",
        update=_engines_changed,
    )
    quality: bpy.props.EnumProperty(
        name="Quality",
        description="How many pairs of photos DUSt3R compares; stereo has one quality only",
        items=(
            ("FAST", "Fast", "Fewest pairs: quickest, for a first look"),
            ("BALANCED", "Balanced", "Between the two"),
            ("FINE", "Fine", "Most pairs: slowest, for the final scene"),
        ),
        default="BALANCED",
    )
    device: bpy.props.EnumProperty(
        name="Device",
        description="Where networks run. The default engines always run on the CPU",
        items=(
            ("AUTO", "Auto", "The graphics card where there is one that can, else the CPU"),
            ("CPU", "CPU", "Slow, but runs anywhere; with Engine at Auto, the default engines run instead"),
            ("CUDA", "CUDA", "A graphics card of NVIDIA's, or of AMD's with ROCm"),
            ("MPS", "Apple GPU", "The graphics of an Apple computer"),
        ),
        default="AUTO",
        update=_engines_changed,
    )


_CLASSES = (
    WildSeg3DPart,
    WildSeg3DGroup,
    WildSeg3DPhoto,
    WildSeg3DSurfaceSettings,
    WildSeg3DObject,
    WildSeg3DScene,
)


def register() -> None:
    """Called by the add-on."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.wildseg3d = bpy.props.PointerProperty(type=WildSeg3DScene)
    bpy.types.Object.wildseg3d = bpy.props.PointerProperty(type=WildSeg3DObject)


def unregister() -> None:
    """Called by the add-on."""
    del bpy.types.Object.wildseg3d
    del bpy.types.Scene.wildseg3d
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
