# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> a reconstruction in the scene; and stopping what runs."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...reconstruct_settings import IMAGE_SIZE
from ...scene_folder import check_writable, read_scene
from ...scene_states import keep_from_now_on
from ...scene_tips import tips
from ...worker.protocol import Reconstruct, Reconstructed
from .. import choosing, finding, photo_list, preferences, problems, runtime
from ..scene import importing, location, lookup, replacing, viewing
from ..scene.steps import Aside, object_named
from .base import Call, Work, WorkerOperator, idle, object_mode


class WILDSEG3D_OT_reconstruct(WorkerOperator, bpy.types.Operator):
    """Turn the photos of a folder into cameras and coloured points"""

    bl_idname = "wildseg3d.reconstruct"
    bl_label = "Reconstruct"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(
        name="Photos",
        description="Folder with the photos; the panel's when empty",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    files: bpy.props.CollectionProperty(
        name="Files",
        description="Only these photos of the folder; all when empty",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE", "HIDDEN"},
    )
    scene_folder: bpy.props.StringProperty(
        name="Scene Folder",
        description="Where to keep the reconstruction; beside the .blend when empty",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    engine: bpy.props.EnumProperty(
        name="Engine",
        items=(
            ("AS_SET", "As Set", "What the panel says"),
            ("stereo", "Stereo", "Needs overlapping photos with texture; nothing to download"),
            ("dust3r", "DUSt3R", "A network. It is installed in the add-on's preferences"),
        ),
        default="AS_SET",
        options={"SKIP_SAVE"},
    )
    image_size: bpy.props.IntProperty(
        name="Image Size",
        description="Longer side of the depth maps, in pixels: more is finer and slower. Else the panel's",
        default=IMAGE_SIZE.default,
        min=IMAGE_SIZE.lowest,
        max=IMAGE_SIZE.highest,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls) and object_mode(cls, context)

    def draw(self, context: bpy.types.Context) -> None:
        """Shows nothing to edit after the fact: "Adjust Last Operation" would start all over, blocking."""
        self.layout.label(text="Press Reconstruct in the sidebar to do it again.")

    def work(self, context: bpy.types.Context) -> Work:
        problems.dismiss()
        source = self._source(context)
        engine = choosing.engine(context.scene) if self.engine == "AS_SET" else self.engine
        if self.scene_folder:
            folder = Path(bpy.path.abspath(self.scene_folder)).absolute()
        else:
            folder = location.default_folder(context, source.folder.with_name(source.name))
        check_writable(folder)
        keep_from_now_on(folder)
        request = self._request(context, source, folder, engine)
        answer = yield Call("Reconstruct", "reconstruct", request.to_json())

        made = Reconstructed.from_json(answer)
        context = bpy.context
        scene_tips = yield Aside(lambda: tips(read_scene(made.scene)), "Looking at the result")
        context = bpy.context
        before = {item.name for item in context.scene.objects}
        root_name = yield from importing.importing(context.scene.name, made.scene, source.name)
        context, root = bpy.context, object_named(root_name)
        hidden = replacing.retire_earlier(context.scene, root)
        _settle(context, root, source, scene_tips)
        replacing.hide_startup_cube(context.view_layer, before)
        finish_import(context, root)
        if preferences.finds_objects(context) and not bpy.app.background:
            finding.want(lookup.scene_folder(root))
        given = len(made.views) + len(made.skipped)
        text = f"Placed {len(made.views)} of {given} photos, {made.points:,} points."
        if not bpy.data.filepath and not self.scene_folder:
            text += f" Kept in {folder}: save the .blend first to have scenes beside it."
        if hidden:
            text += f" The earlier {', '.join(hidden)} is hidden, with the objects cut out of it."
        if made.skipped:
            names = ", ".join(Path(item.photo).name for item in made.skipped)
            self.report({"WARNING"}, f"Not placed: {names}. The panel's list of photos says why.")
        return text

    def _source(self, context: bpy.types.Context) -> photo_list.Source:
        if not self.directory:
            return photo_list.source(context.scene)
        folder = photo_list.of_folder(self.directory)
        if names := [item.name for item in self.files if item.name]:
            return photo_list.of_files(str(folder.folder / name) for name in names)
        return folder

    def _request(
        self, context: bpy.types.Context, source: photo_list.Source, folder: Path, engine: str
    ) -> Reconstruct:
        settings = context.scene.wildseg3d
        given = self.properties.is_property_set("image_size")
        return Reconstruct(
            photos=tuple(str(path) for path in source.paths),
            folder=str(folder),
            engine=engine,
            image_size=self.image_size if given else settings.image_size,
            quality=settings.quality.lower(),
            alpha_p=settings.alpha_p,
            alpha_n=settings.alpha_n,
            iterations=settings.iterations,
            min_confidence=settings.min_confidence,
        )


class WILDSEG3D_OT_cancel(bpy.types.Operator):
    """Stop what is running. Nothing that was there before is changed"""

    bl_idname = "wildseg3d.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if runtime.current_job() is None:
            cls.poll_message_set("Nothing is running")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        runtime.cancel()
        return {"FINISHED"}


def _settle(
    context: bpy.types.Context, root: bpy.types.Object, source: photo_list.Source, found: list[str]
) -> None:
    """The photos wait no longer: they are the reconstruction's."""
    settings = context.scene.wildseg3d
    settings.photos = str(source.folder)
    photo_list.clear(context.scene)
    root.wildseg3d.tips = "\n".join(found)
    root.wildseg3d.photos_folder = str(source.folder) if source.whole else ""


def finish_import(context: bpy.types.Context, root: bpy.types.Object) -> None:
    """Let the artist see what was just imported."""
    settings = context.scene.wildseg3d
    # What went well folds away: the next step is below.
    settings.show_photos, settings.show_reconstruct = bool(root.wildseg3d.tips), False
    context.view_layer.update()
    if context.mode == "OBJECT":  # the artist may have gone on to edit something while the photos were read
        for item in context.selected_objects:
            item.select_set(False)
        root.select_set(True)
        context.view_layer.objects.active = root
    viewing.show_photo_colours()
    viewing.frame(root)


CLASSES = (WILDSEG3D_OT_reconstruct, WILDSEG3D_OT_cancel)
