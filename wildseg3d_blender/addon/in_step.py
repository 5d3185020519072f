# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene folder and worker brought into step with what Blender shows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import bpy

from ..errors import SceneError
from .scene import following
from .session import previewing, runtime


def bring(root: bpy.types.Object) -> None:
    """Make the scene folder what ``root`` shows. A worker that has another state of it open ends first.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    if following.changes_state(root):
        # Windows does not move files that the worker has mapped, and its quiet work is about that state.
        runtime.close()
        previewing.forget_answers()
    following.follow(root)


@contextlib.contextmanager
def or_as_before(root_name: str) -> Iterator[None]:
    """Whatever breaks off the block, the scene folder is then again what the root of that name shows."""
    try:
        yield
    except BaseException:
        root = bpy.data.objects.get(root_name)
        if root is not None and root.wildseg3d.role == "ROOT":
            with contextlib.suppress(SceneError):  # out of reach: the next Segment brings it
                bring(root)
        raise
