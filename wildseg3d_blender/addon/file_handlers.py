# SPDX-License-Identifier: GPL-3.0-or-later
"""The handlers that keep .blend files, their scene folders and the worker in step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from . import finding, previewing, runtime
from .scene import location, lookup


@bpy.app.handlers.persistent
def _on_load(*_: Any) -> None:
    """Another file was opened: what was being made belonged to the one before."""
    runtime.drop_jobs()
    finding.forget()
    previewing.forget()


@bpy.app.handlers.persistent
def _on_save_pre(target: Any = None, *_: Any) -> None:
    """Paths relative to the file being written, which may be another than the one that is open."""
    _remember_folders(target if isinstance(target, str) and target else bpy.data.filepath)


@bpy.app.handlers.persistent
def _on_save_post(*_: Any) -> None:
    """Paths relative to the file that is open now: after "Save Copy" it is still the old one."""
    _remember_folders(bpy.data.filepath)


@bpy.app.handlers.persistent
def _on_change(*_: Any) -> None:
    """Something in the file changed, perhaps by undo: prompts may be among it."""
    previewing.touch()


def _remember_folders(blend: str) -> None:
    folders = _absolute_folders()
    for item in bpy.data.objects:
        if item.wildseg3d.role == "ROOT" and item.library is None:
            wanted = location.remembered(folders[item.name], blend)
            if item.wildseg3d.folder != wanted:
                item.wildseg3d.folder = wanted


def _absolute_folders() -> dict[str, Path]:
    return {
        item.name: lookup.scene_folder(item)
        for item in bpy.data.objects
        if item.wildseg3d.role == "ROOT" and item.library is None
    }


def _handlers() -> tuple[tuple[list[Any], Any], ...]:
    handlers = bpy.app.handlers
    return (
        (handlers.load_post, _on_load),
        (handlers.save_pre, _on_save_pre),
        (handlers.save_post, _on_save_post),
        (handlers.depsgraph_update_post, _on_change),
        (handlers.undo_post, _on_change),
        (handlers.redo_post, _on_change),
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
