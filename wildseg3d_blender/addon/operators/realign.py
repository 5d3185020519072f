# SPDX-License-Identifier: GPL-3.0-or-later
"""Aligning the reconstruction again so that objects cut out of it fit best."""

from __future__ import annotations

import bpy

from ...errors import SceneError
from ...scene_folder import PAIRS_FOLDER, Scene
from ...scene_history import stored as stored_objects
from ...scene_states import keep_from_now_on
from ...worker.protocol import Realign, Realigned, Segment, Segmented
from .. import choosing, in_step
from ..scene import following, groups, lookup, reading, realigning, viewing
from ..scene.steps import Aside, object_named
from .base import Call, Work, WorkerOperator, has_root, idle, object_mode

STANDS_STILL = 1e-5
"""Points that moved by less than this share of their depth are where they were."""


class WILDSEG3D_OT_realign(WorkerOperator, bpy.types.Operator):
    """Align the scene again for objects of it"""

    bl_idname = "wildseg3d.realign"
    bl_label = "Refine Alignment"
    bl_description = (
        "Line the photos up again so that this object fits best: where they disagree, its points count most. "
        "What you moved, renamed or painted stays as it is; the points and the cameras shift a little"
    )
    bl_options = {"REGISTER", "UNDO"}

    fit: bpy.props.EnumProperty(
        name="Fit",
        description="What has to fit best",
        items=(
            ("OBJECT", "This Object", "The object that is active in the list fits best"),
            ("ALL", "All Objects", "All objects that were segmented fit best"),
            ("NONE", "Whole Scene Alike", "Go back to the alignment that no object was preferred in"),
        ),
        default="OBJECT",
        options={"SKIP_SAVE"},
    )
    object: bpy.props.StringProperty(
        name="Object",
        description="With Fit at This Object: that of this name; when empty, the active one of the list",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (has_root(cls, context) and idle(cls) and object_mode(cls, context)):
            return False
        root = lookup.require_root(context.scene)
        folder = lookup.scene_folder(root)
        if not folder.is_dir():
            cls.poll_message_set("The scene folder is gone: say above where it is now")
            return False
        if not (folder / PAIRS_FOLDER).is_dir():
            cls.poll_message_set(
                "This reconstruction was made by an older version: press Reconstruct to make it anew first"
            )
            return False
        if not any(groups.mesh_object(group) for group in root.wildseg3d.groups):
            cls.poll_message_set("No object to fit yet: click on one in a photo and press Segment")
            return False
        return True

    def draw(self, context: bpy.types.Context) -> None:
        """Shows nothing to edit after the fact: "Adjust Last Operation" would block."""
        self.layout.label(text="Choose in the sidebar what has to fit best.")

    def work(self, context: bpy.types.Context) -> Work:
        root = lookup.require_root(context.scene)
        in_step.bring(root)
        scene = lookup.open_scene(root)
        root_name, names, digests = root.name, self._names(root), {}
        for name, missing in _to_segment(scene, root, names).items():
            Segmented.from_json((yield Call(f"Segment {name}", "segment", missing.to_json())))
            digests[name] = reading.digest(missing.groups)
        keep_from_now_on(scene.folder)
        before = yield Aside(lambda: realigning.measured(scene), "Reading the points")
        request = Realign(scene=str(scene.folder), objects=tuple(names))
        answer = Realigned.from_json((yield Call("Refine Alignment", "realign", request.to_json())))

        context = bpy.context
        root = context.scene.objects.get(root_name)
        if root is None or root.wildseg3d.role != "ROOT":
            raise SceneError(
                "The reconstruction was deleted while it was aligned: undo that and press it again."
            )
        for name, digest in digests.items():
            if (group := groups.find(root, name)) is not None:
                group.applied = digest
        yield from realigning.refreshing(root_name, before)
        following.follow(object_named(root_name))
        viewing.redraw()
        whom = " and ".join(names) or "the whole scene alike"
        if answer.moved < STANDS_STILL:
            return f"Aligned for {whom}: nothing moved, the photos agree there already."
        return f"Aligned for {whom}: the points moved by {answer.moved:.2%} of their distance."

    def _names(self, root: bpy.types.Object) -> list[str]:
        """The objects that have to fit best."""
        if self.fit == "NONE":
            return []
        if self.fit == "ALL":
            return [group.name for group in root.wildseg3d.groups if groups.mesh_object(group)]
        group = groups.find(root, self.object) if self.object else groups.ensure(root)
        if group is None:
            raise SceneError(f"There is no object named {self.object!r} in the list.")
        if groups.mesh_object(group) is None:
            raise SceneError(f"{group.name} is not an object yet: press Segment first.")
        return [group.name]


def _to_segment(scene: Scene, root: bpy.types.Object, names: list[str]) -> dict[str, Segment]:
    """Requests for those objects that the scene folder does not have: their removal was undone."""
    stored = {item.name for item in stored_objects(scene)}
    requests = {}
    for name in names:
        if name not in stored:
            segmenter = choosing.segmenter(bpy.context.scene)
            prompt_groups = reading.read_groups(scene, root, name)
            requests[name] = Segment(
                scene=str(scene.folder), object=name, groups=prompt_groups, segmenter=segmenter
            )
    return requests


CLASSES = (WILDSEG3D_OT_realign,)
