# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators: read the context, call ``scene`` or the worker, report. Nothing is computed here."""

from __future__ import annotations

import bpy

from . import (
    dismiss,
    export,
    find_objects,
    guide,
    look,
    neural,
    objects,
    open_scene,
    orient,
    parts,
    photos,
    prompt,
    prompt_click,
    prompt_place,
    realign,
    reconstruct,
    release,
    segment,
    show,
    surface,
    unsaved_scenes,
)

_CLASSES = (
    *photos.CLASSES,
    *reconstruct.CLASSES,
    *open_scene.CLASSES,
    *prompt.CLASSES,
    *prompt_click.CLASSES,
    *prompt_place.CLASSES,
    *parts.CLASSES,
    *find_objects.CLASSES,
    *segment.CLASSES,
    *surface.CLASSES,
    *orient.CLASSES,
    *show.CLASSES,
    *realign.CLASSES,
    *objects.CLASSES,
    *export.CLASSES,
    *look.CLASSES,
    *neural.CLASSES,
    *unsaved_scenes.CLASSES,
    *release.CLASSES,
    *guide.CLASSES,
    *dismiss.CLASSES,
)


def register() -> None:
    """Called by the add-on."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Called by the add-on."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
