# SPDX-License-Identifier: GPL-3.0-or-later
"""The only code that imports ``bpy``: shows in Blender what the worker computes.

    operators/        thin: read the context, call ``tasks`` or ``scene``, report
    tasks/            what takes its time, for operators and for ``api``; conditions.py says when it can begin
    scene/            pointmaps -> Blender data; Blender data -> prompts; plain functions for scripts too
    panels.py, object_panel.py, prompt_panel.py, scene_panel.py
    properties.py, object_properties.py, surface_properties.py, preferences.py, neural_preferences.py
    overlay.py, tint.py, shapes.py    what is drawn over the 3D view
    neural_task.py    installing and downloading for the neural engines, on a thread
    choosing.py       which engine and segmenter, and in which Python the worker runs
    tools.py, thumbnails.py    the toolbar's Object Prompt, and all photos along the bottom meanwhile
    runtime.py        the one worker of this Blender session and its jobs
    finding.py, preparing.py, previewing.py, background.py    what is asked of it without a button
    idle_release.py   networks give their memory back when nobody needs them
    api.py, command.py    everything for scripts: as plain functions, and as ``blender --command wildseg3d``
    photo_list.py, photo_checking.py, photo_icons.py    photos that wait to be reconstructed
    problems.py, time_left.py    the last error; how long a job takes
    file_handlers.py, in_step.py    what happens when a file is opened, saved, changed or undone
    worker_client.py  owns the process; needs no ``bpy``

Nothing of ``bpy`` is imported before ``register`` runs, so that ``worker_client`` serves plain Python too.
"""

from __future__ import annotations

import atexit
from importlib import import_module

_MODULES = (
    "preferences",
    "neural_task",
    "properties",
    "problems",
    "photo_icons",
    "operators",
    "panels",
    "drop_files",
    "object_panel",
    "prompt_panel",
    "tools",
    "overlay",
    "runtime",
    "file_handlers",
    "command",
    "background",
    "idle_release",
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
