# SPDX-License-Identifier: GPL-3.0-or-later
"""The handlers that keep .blend files, their scene folders and the worker in step."""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from ..errors import SceneError
from . import background, in_step, unsaved_scenes
from .scene import location, lookup, prompting, selecting
from .session import finding, preparing, previewing, runtime


@bpy.app.handlers.persistent
def _on_load(*_: Any) -> None:
    """Another file was opened: what was being made belonged to the one before."""
    runtime.drop_jobs()
    finding.forget()
    preparing.forget()
    previewing.forget()
    if bpy.context.scene is not None and bpy.context.view_layer is not None:
        selecting.keep_choice(bpy.context.scene, bpy.context.view_layer)
    for root in _roots():
        # The file may have been moved since it was saved, and its scene folders with it.
        root.wildseg3d.anchor = bpy.data.filepath
        for prompt in lookup.prompts(root):
            prompting.show_in_its_photo(prompt)  # saved by a version that let them be seen everywhere
    unsaved_scenes.keep_those_of_this_file()


@bpy.app.handlers.persistent
def _on_save_pre(target: Any = None, *_: Any) -> None:
    """Paths relative to the file being written, which may be another than the one that is open."""
    _remember_folders(target if isinstance(target, str) and target else bpy.data.filepath)
    unsaved_scenes.keep_those_of_this_file()


@bpy.app.handlers.persistent
def _on_save_post(*_: Any) -> None:
    """Paths relative to the file that is open now: after "Save Copy" it is still the old one."""
    _remember_folders(bpy.data.filepath)
    _follow()


@bpy.app.handlers.persistent
def _on_step(*_: Any) -> None:
    """Undone or redone: prompts may be others now, and objects of the scene folder too."""
    previewing.touch()
    if bpy.context.scene is not None:
        selecting.keep_uncut(bpy.context.scene, bpy.context.view_layer)
    _follow()


@bpy.app.handlers.persistent
def _on_change(scene: bpy.types.Scene, depsgraph: Any = None, *_: Any) -> None:
    """Something in the file changed: prompts may be among it, or what is selected."""
    previewing.touch()
    background.wake()
    # A render has a copy of the file, on a thread of its own.
    if depsgraph is not None and depsgraph.mode == "VIEWPORT" and scene == bpy.context.scene:
        selecting.take_choice(scene, depsgraph.view_layer)


def _roots() -> list[bpy.types.Object]:
    """The reconstructions of this file, those linked from others left out."""
    return [item for item in bpy.data.objects if item.wildseg3d.role == "ROOT" and item.library is None]


def _remember_folders(blend: str) -> None:
    for root in _roots():
        wanted, settings = location.remembered(lookup.scene_folder(root), blend), root.wildseg3d
        if (settings.folder, settings.anchor) != (wanted, blend):
            settings.folder = wanted
            settings.anchor = blend


def _follow() -> None:
    """Bring the scene folders of this Blender scene's reconstructions into step with it.

    Of copies that share a scene folder the one at work counts; the others' turn comes when they are.
    """
    # What the worker writes now, the operator that waits for it brings into step at its end.
    if runtime.current_job() is not None or bpy.context.scene is None:
        return
    at_work = lookup.active_root(bpy.context.scene)
    shown = [root for root in _roots() if root.name in bpy.context.scene.objects]
    done = set()
    for root in sorted(shown, key=lambda root: root != at_work):
        folder = lookup.scene_folder(root)
        if folder not in done:
            done.add(folder)
            with contextlib.suppress(SceneError):  # out of reach: the next Segment follows anyway
                in_step.bring(root)


def _handlers() -> tuple[tuple[list[Any], Any], ...]:
    handlers = bpy.app.handlers
    return (
        (handlers.load_post, _on_load),
        (handlers.save_pre, _on_save_pre),
        (handlers.save_post, _on_save_post),
        (handlers.depsgraph_update_post, _on_change),
        (handlers.undo_post, _on_step),
        (handlers.redo_post, _on_step),
    )


def register() -> None:
    """Called by the add-on."""
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    """Called by the add-on."""
    for handlers, handler in _handlers():
        if handler in handlers:
            handlers.remove(handler)
