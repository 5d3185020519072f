# SPDX-License-Identifier: GPL-3.0-or-later
"""The only code that imports ``bpy``: shows in Blender what the worker computes.

    operators/        thin: read the context, call ``tasks`` or ``scene``, report
    tasks/            what takes its time, for operators and for ``api``; conditions.py says when it can begin
    scene/            pointmaps -> Blender data; Blender data -> prompts; plain functions for scripts too
    panels/           the sidebar, step by step, and the preferences; draws what is there, changes nothing
    viewport/         the toolbar's Object Prompt, and what is drawn over the 3D view
    session/          the one worker of this Blender session: its process, its jobs, and what is asked of it
                      without a button: finding objects, previews, looking at photos
    properties/       what the .blend keeps
    preferences.py    settings that belong to the person
    api.py, command.py    everything for scripts: as plain functions, and as ``blender --command wildseg3d``
    background.py, file_handlers.py, in_step.py    what happens by itself: as time passes, and when a file is
                      opened, saved, changed or undone
    unsaved_scenes.py scene folders of files that were never saved
    neural_task.py    installing and downloading for the neural engines, on a thread
    photo_list.py, drop_files.py    photos that wait to be reconstructed
    problems.py       the last error

Nothing of ``bpy`` is imported before ``register`` runs, so that ``session.worker_client`` serves plain Python
too.
"""

from __future__ import annotations

import atexit
from importlib import import_module

_MODULES = (
    "panels.preferences",
    "neural_task",
    "properties.scene",
    "properties.progress",
    "problems",
    "panels.photo_icons",
    "operators",
    "panels.sidebar",
    "drop_files",
    "panels.object_panel",
    "panels.prompt_panel",
    "viewport.tools",
    "viewport.overlay",
    "session.runtime",
    "file_handlers",
    "unsaved_scenes",
    "command",
    "background",
    "session.idle_release",
)


def register() -> None:
    """Add everything to Blender."""
    for name in _MODULES:
        import_module(f"{__name__}.{name}").register()
    # Blender unregisters its add-ons when it quits; a script on the bpy module that forgets to would hang
    # at its end, while Blender's memory is torn down under the classes.
    atexit.register(unregister)


def unregister() -> None:
    """Take everything out of Blender again, the worker process included."""
    atexit.unregister(unregister)
    for name in reversed(_MODULES):
        import_module(f"{__name__}.{name}").unregister()
