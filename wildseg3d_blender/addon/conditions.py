# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to hold before something is done, each with the sentence that says what is missing.

Tasks ask before they begin, operators in their ``poll``, so that buttons say the same.
"""

from __future__ import annotations

import bpy

from ..errors import SceneError, WildSegError
from .scene import groups, lookup
from .session import runtime

SPEAKS_OF = "wildseg3d_listed"
"""Name in the context under which a menu says which object of the list its buttons speak of."""


def idle() -> None:
    """WildSegError while a job is running."""
    if (job := runtime.current_job()) is not None:
        raise WildSegError(f"{job.title} is still running: wait for it or cancel it.", fix="wildseg3d.cancel")


def object_mode() -> None:
    """WildSegError unless Blender is in Object Mode."""
    if bpy.context.mode != "OBJECT":
        raise WildSegError("Leave the current mode first: this needs Object Mode.")


def root_at_work() -> bpy.types.Object:
    """The root of the reconstruction that the panel works on. SceneError where none can be worked on."""
    root = lookup.require_root(bpy.context.scene)
    own(root)
    return root


def own(root: bpy.types.Object) -> None:
    """SceneError when a reconstruction is another file's."""
    if root.library is not None:
        raise SceneError(f"{root.name} is linked from another file: append it instead to work on it here.")


def has_prompts(root: bpy.types.Object) -> None:
    """SceneError when nothing was clicked on yet."""
    if not lookup.prompts(root):
        raise SceneError("No prompts yet: press Add Prompt and click on an object in a photo.")


def spoken_of_is_cut_out() -> None:
    """SceneError when a menu speaks of an object of the list that is not cut out."""
    item = getattr(bpy.context, SPEAKS_OF, None)
    if item is not None and groups.mesh_object(item) is None:
        raise SceneError(f"{item.name} is not cut out yet: press Segment first.")
