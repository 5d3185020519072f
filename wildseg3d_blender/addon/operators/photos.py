# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing photos: files, a folder, a video, from the file browser, by dropping them, or from a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ...errors import PhotoError
from ...files.photos import CHOOSE, READABLE_SUFFIXES, VIDEO_SUFFIXES, is_video
from ...reconstruct_settings import KEY_FRAMES
from .. import photo_list, problems
from ..panels.drawing import draw_text
from ..scene import lookup, viewing
from ..session import photo_checking
from ..tasks.driving import to_the_end
from ..tasks.taking_frames import taking_frames
from .base import Work, WorkerOperator, idle, reporting

_EXPLAINED = {".heic", ".heif", ".dng"}
"""Cannot be read but are shown, so that somebody can say so. Blender's filter takes no more than these."""


class _Choosing:
    """Mix-in: what choosing and dropping photos share."""

    directory: bpy.props.StringProperty(
        name="Folder", description="Where the files are", subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"}
    )
    files: bpy.props.CollectionProperty(
        name="Files",
        description="Photos and videos in the folder; all its photos when empty",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE", "HIDDEN"},
    )
    filepath: bpy.props.StringProperty(
        name="File",
        description="One photo, video or folder",
        subtype="FILE_PATH",
        options={"SKIP_SAVE", "HIDDEN"},
    )
    add: bpy.props.BoolProperty(
        name="Add",
        description="Add these to the photos that were chosen before",
        default=False,
        options={"SKIP_SAVE"},
    )
    key_frames: bpy.props.IntProperty(
        name="Video Frames",
        description="About how many frames a video gives: sharp ones, evenly spread over the camera's way",
        default=KEY_FRAMES.default,
        min=KEY_FRAMES.lowest,
        max=KEY_FRAMES.highest,
    )
    filter_glob: bpy.props.StringProperty(
        name="Filter",
        default=";".join(f"*{suffix}" for suffix in sorted(READABLE_SUFFIXES | VIDEO_SUFFIXES | _EXPLAINED)),
        options={"HIDDEN"},
    )
    filter_folder: bpy.props.BoolProperty(name="Show Folders", default=True, options={"HIDDEN"})
    display_type: bpy.props.EnumProperty(
        name="Display",
        items=(
            ("DEFAULT", "Default", ""),
            ("LIST_VERTICAL", "Vertical List", ""),
            ("LIST_HORIZONTAL", "Horizontal List", ""),
            ("THUMBNAIL", "Thumbnails", ""),
        ),
        default="THUMBNAIL",
        options={"HIDDEN"},
    )

    _asked = False
    _adds_to_waiting = False

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """List them; videos are read first."""
        problems.dismiss()
        photo_checking.forget()
        paths = self._paths()
        videos = [path for path in paths if is_video(path)]
        photos = [path for path in paths if path not in videos]
        scene = context.scene
        kept = self.add or (self._adds_to_waiting and bool(photo_list.chosen(scene)))
        if not paths:
            raise PhotoError("Nothing was chosen: choose photos, a folder of them, or a video.", fix=CHOOSE)
        if len(photos) == 1 and photos[0].is_dir() and not kept:
            photo_list.choose_folder(scene, photos[0])
        elif photos:
            (photo_list.add if kept else photo_list.choose)(scene, photos)
        if photos:
            scene.wildseg3d.show_photos = scene.wildseg3d.show_reconstruct = True
        viewing.redraw_sidebars()
        return self._read(videos, kept or bool(photos)) if videos else {"FINISHED"}

    def _paths(self) -> list[Path]:
        folder = bpy.path.abspath(self.directory)
        named = [Path(folder, item.name).absolute() for item in self.files if item.name]
        if named:
            return named
        given = bpy.path.abspath(self.filepath) or folder
        return [Path(given).absolute()] if given else []

    def _read(self, videos: list[Path], kept: bool) -> set[str]:
        # Whoever chose them in the interface goes on working meanwhile; a script waits.
        if self._asked and not bpy.app.background:
            named = [{"name": str(video)} for video in videos]
            bpy.ops.wildseg3d.key_frames("INVOKE_DEFAULT", videos=named, count=self.key_frames, add=kept)
            return {"FINISHED"}
        operator: Any = self  # with whatever Blender's class has
        work = taking_frames(videos, self.key_frames, add=kept)
        text = to_the_end(work, operator.bl_label, lambda warning: operator.report({"WARNING"}, warning))
        operator.report({"INFO"}, text)
        return {"FINISHED"}


class WILDSEG3D_OT_photos_add(_Choosing, bpy.types.Operator):
    """Choose photos of one scene: a folder of them, several files, or a video"""

    bl_idname = "wildseg3d.photos_add"
    bl_label = "Choose Photos"
    bl_options = {"UNDO"}

    def draw(self, context: bpy.types.Context) -> None:
        """Beside the files: what may be chosen, and what can be set."""
        layout = self.layout
        for text in (
            "Select photos or a video.",
            "With nothing selected, all photos of the folder are taken.",
        ):
            draw_text(layout, context, text, dim=True)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "key_frames")
        layout.prop(self, "add")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the file browser, unless files were given, as when they are dropped."""
        self._asked = True
        given = ("filepath", "directory", "files")
        if any(self.properties.is_property_set(name) for name in given):
            return self.execute(context)
        self.directory = self._folder_to_open(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def _folder_to_open(self, context: bpy.types.Context) -> str:
        there = photo_list.chosen(context.scene) or photo_list.reconstructed(context.scene)
        return str(Path(there[0]).parent) if there else context.scene.wildseg3d.photos


class WILDSEG3D_OT_photos_drop(_Choosing, bpy.types.Operator):
    """Choose these photos, or frames of this video, for a 3D scene, besides those that wait already"""

    bl_idname = "wildseg3d.photos_drop"
    bl_label = "Photos for a 3D Scene"
    bl_options = {"UNDO", "INTERNAL"}

    _adds_to_waiting = True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Blender has set the files."""
        self._asked = True
        return self.execute(context)


class WILDSEG3D_OT_key_frames(WorkerOperator, bpy.types.Operator):
    """Take sharp frames that overlap well from videos, and choose them as photos"""

    bl_idname = "wildseg3d.key_frames"
    bl_label = "Take Frames of Video"
    bl_options = {"UNDO", "INTERNAL"}

    videos: bpy.props.CollectionProperty(
        name="Videos",
        description="Their paths",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE"},
    )
    count: bpy.props.IntProperty(
        name="Frames",
        description="About how many of each video",
        default=KEY_FRAMES.default,
        min=KEY_FRAMES.lowest,
        max=KEY_FRAMES.highest,
    )
    add: bpy.props.BoolProperty(
        name="Add", description="Add them to the photos that were chosen before", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls)

    def work(self, context: bpy.types.Context) -> Work:
        return taking_frames([Path(item.name) for item in self.videos], self.count, add=self.add)


class WILDSEG3D_OT_photo_remove(bpy.types.Operator):
    """Leave this photo out. The file stays where it is"""

    bl_idname = "wildseg3d.photo_remove"
    bl_label = "Leave Photo Out"
    bl_options = {"UNDO"}

    index: bpy.props.IntProperty(
        name="Photo", description="Its place in the list; -1 for the selected one", default=-1, min=-1
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _some_wait(cls, context) and idle(cls)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Shorten the list."""
        settings = context.scene.wildseg3d
        index = settings.active_chosen if self.index < 0 else self.index
        if index >= len(settings.chosen):
            raise PhotoError(f"There is no photo {index}: the list has {len(settings.chosen)}.")
        photo_list.remove(context.scene, index)
        return {"FINISHED"}


class WILDSEG3D_OT_photos_clear(bpy.types.Operator):
    """Choose no photos. The files stay where they are, and so does what was reconstructed"""

    bl_idname = "wildseg3d.photos_clear"
    bl_label = "Clear Photos"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _some_wait(cls, context) and idle(cls)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Empty the list."""
        photo_list.clear(context.scene)
        problems.dismiss()
        return {"FINISHED"}


class WILDSEG3D_OT_photos_again(bpy.types.Operator):
    """Look at the photos again: files of a folder that came or went, and what is wrong with them"""

    bl_idname = "wildseg3d.photos_again"
    bl_label = "Look at Photos Again"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not len(context.scene.wildseg3d.chosen) and lookup.active_root(context.scene) is None:
            cls.poll_message_set("No photos were chosen")
            return False
        return idle(cls)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """List them anew."""
        photo_checking.forget()
        source = photo_list.source(context.scene)
        if source.whole:
            photo_list.choose_folder(context.scene, source.folder)
        else:
            photo_list.choose(context.scene, source.paths)
        return {"FINISHED"}


def _some_wait(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if len(context.scene.wildseg3d.chosen):
        return True
    operator.poll_message_set("No photos are waiting to be reconstructed")
    return False


CLASSES = (
    WILDSEG3D_OT_photos_add,
    WILDSEG3D_OT_photos_drop,
    WILDSEG3D_OT_key_frames,
    WILDSEG3D_OT_photo_remove,
    WILDSEG3D_OT_photos_clear,
    WILDSEG3D_OT_photos_again,
)
