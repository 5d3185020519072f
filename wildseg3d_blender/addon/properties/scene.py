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
from ..session import previewing
from .objects import WildSeg3DGroup, WildSeg3DPart, preview_changed
from .photos import BLEND_RELATIVE, WildSeg3DPhoto
from .roles import WildSeg3DObject
from .surfaces import WildSeg3DSurfaceSettings


def _photos_changed(self: Any, context: bpy.types.Context) -> None:
    if not self.photos:
        return
    try:
        photo_list.choose_folder(self.id_data, Path(bpy.path.abspath(self.photos)))
    except PhotoError as error:
        photo_list.clear(self.id_data)
        problems.remember(error)


def _engines_changed(self: Any, context: bpy.types.Context) -> None:
    # Answers that failed for want of something may go well now.
    previewing.forget_answers()


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
        update=preview_changed,
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
