# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of an object: what is added to it or taken away from it, and how large a thing each means."""

from __future__ import annotations

from typing import Any

import bpy

from ...errors import PromptError
from ...prompts import MOST_SIZES
from .. import background
from ..scene import groups, lookup, parts
from ..session import finding, previewing
from .base import has_root, object_mode, reporting


class WILDSEG3D_OT_part_add(bpy.types.Operator):
    """Add a part to the object, or take one away from it: the prompts that follow show that part"""

    bl_idname = "wildseg3d.part_add"
    bl_label = "Add Part"
    # Not REGISTER: "Adjust Last Operation" would take back the clicks that followed.
    bl_options = {"UNDO"}

    subtract: bpy.props.BoolProperty(
        name="Take Away", description="The object loses the part instead", options={"SKIP_SAVE"}
    )
    object: bpy.props.StringProperty(
        name="Object",
        description="Name in the list; the active one when empty",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (has_root(cls, context) and object_mode(cls, context)):
            return False
        if not lookup.prompts(lookup.require_root(context.scene)):
            cls.poll_message_set("Show the object itself first: press Add Prompt and click on it")
            return False
        return True

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """A tooltip for each of the panel's two buttons."""
        if properties.subtract:
            return "Click on something that the object has too much of: found by itself, then taken away"
        return "Click on something that the object lacks: found by itself, then added"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Add it and go on with clicks."""
        result = self.execute(context)
        if result == {"FINISHED"} and context.area is not None and context.area.type == "VIEW_3D":
            bpy.ops.wildseg3d.prompt_place("INVOKE_DEFAULT", positive=True)
        return result

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it to the active object."""
        root = lookup.require_root(context.scene)
        item = groups.require(root, self.object)
        if not lookup.prompts(root, item.name, parts.WHOLE):
            raise PromptError(f"Show {item.name} itself first: press Add Prompt and click on it.")
        if (empty := parts.without_prompts(root, item)) is not None:  # begun and not gone on with
            parts.remove(root, item, empty.number)
        parts.add(item, subtract=self.subtract)
        return {"FINISHED"}


class WILDSEG3D_OT_part_remove(bpy.types.Operator):
    """Forget this part and its prompts"""

    bl_idname = "wildseg3d.part_remove"
    bl_label = "Remove Part"
    bl_options = {"REGISTER", "UNDO"}

    part: bpy.props.IntProperty(
        name="Part", description="Its number; the active one when negative", default=-1, options={"SKIP_SAVE"}
    )
    object: bpy.props.StringProperty(
        name="Object", description="Name in the list; the active one when empty", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and object_mode(cls, context)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        root = lookup.require_root(context.scene)
        item = groups.require(root, self.object)
        number = parts.active(item).number if self.part < 0 else self.part
        parts.remove(root, item, number)
        background.hurry(context.scene)
        return {"FINISHED"}


class _Resize:
    """Mix-in of Larger and Smaller."""

    bl_options = {"REGISTER", "UNDO"}
    _by = 0

    @classmethod
    def poll(cls: Any, context: bpy.types.Context) -> bool:
        if not (has_root(cls, context) and object_mode(cls, context)):
            return False
        root = lookup.require_root(context.scene)
        item = groups.active(root)
        if item is None or not lookup.prompts(root, item.name, parts.active_number(item)):
            cls.poll_message_set("No prompts yet: press Add Prompt and click on an object in a photo")
            return False
        if reason := _at_the_end(item, cls._by):
            cls.poll_message_set(reason)
            return False
        return True

    def execute(self: Any, context: bpy.types.Context) -> set[str]:
        """Go one step; where there is none, back to the best answer if that lies this way."""
        item = groups.active(lookup.require_root(context.scene))
        part = parts.active(item)
        last = _returns(item, self._by) and not _has_next(item, self._by)
        part.size = 0 if last else max(-MOST_SIZES, min(MOST_SIZES, _reached(item) + self._by))
        background.hurry(context.scene)
        return {"FINISHED"}


class WILDSEG3D_OT_larger(_Resize, bpy.types.Operator):
    """Take the next larger thing that holds this one: the whole instead of its part"""

    bl_idname = "wildseg3d.larger"
    bl_label = "Larger"
    _by = 1


class WILDSEG3D_OT_smaller(_Resize, bpy.types.Operator):
    """Take the next smaller thing at the prompts: a part instead of the whole"""

    bl_idname = "wildseg3d.smaller"
    bl_label = "Smaller"
    _by = -1


def _at_the_end(item: Any, by: int) -> str:
    """Why the active part cannot go a step further; empty when it can, or when that is not known."""
    if _has_next(item, by) or _returns(item, by):
        return ""
    kind = "larger" if by > 0 else "smaller"
    if finding.is_wanted(lookup.scene_folder(item.id_data)):
        return f"No {kind} object is known here yet: wait until objects are found"
    return f"No {kind} object was found here: add a prompt instead"


def _has_next(item: Any, by: int) -> bool:
    """Whether the preview says that there is a thing one step further; True when that is not known."""
    known, place = previewing.answer(), parts.place_of_active(item)
    if known is None or place is None:
        return True
    return (known.larger if by > 0 else known.smaller)[place]


def _reached(item: Any) -> int:
    """How far the active part's answer is from the best one: less than was asked for where there is no more,
    and then a step from what was asked for would change nothing."""
    known, place = previewing.answer(), parts.place_of_active(item)
    return parts.active_size(item) if known is None or place is None else known.steps[place]


def _returns(item: Any, by: int) -> bool:
    """Whether a step leads towards the best answer. It is another answer also where a prompt that was placed
    after Larger or Smaller left nothing in between."""
    return _reached(item) * by < 0


CLASSES = (
    WILDSEG3D_OT_part_add,
    WILDSEG3D_OT_part_remove,
    WILDSEG3D_OT_larger,
    WILDSEG3D_OT_smaller,
)
