# SPDX-License-Identifier: GPL-3.0-or-later
"""The neural engines' environment and models: install, use another, remove; accept, download, confirm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ...errors import WildSegError
from ...neural import environment, licences, models
from ...neural.install import install
from ...neural.recipe import Source
from ...neural.registry import find_model
from ...neural.space import readable
from ...progress import Progress
from .. import neural_task
from ..session.runtime import TICK
from .base import report_error, reporting


class _TaskOperator:
    """Mix-in for operators that wait for ``neural_task``: blocking in scripts, beside the user otherwise."""

    _task: neural_task.Task | None = None
    _timer: Any = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _idle(cls)

    def begin(self, context: bpy.types.Context) -> neural_task.Task:
        """Start the task."""
        raise NotImplementedError

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run to the end, then return."""
        task = self.begin(context)
        try:
            while not task.wait(TICK):
                pass
        except BaseException:
            task.cancel()
            raise
        self.report({"INFO"}, task.result())  # type: ignore[attr-defined]
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start, and return to Blender at once."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            self._task = self.begin(context)
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        self._timer = context.window_manager.event_timer_add(TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look at the task now and then; Esc is for other things in the preferences."""
        if event.type != "TIMER" or self._task is None:
            return {"PASS_THROUGH"}
        _redraw_preferences(context)
        if not self._task.done:
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        try:
            self.report({"INFO"}, self._task.result())  # type: ignore[attr-defined]
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """The window closes, or another file is opened: the task goes on by itself."""
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)


class WILDSEG3D_OT_neural_install(_TaskOperator, bpy.types.Operator):
    """Make the environment for the neural engines, in a folder of its own; Blender's Python stays as it is.
    What an earlier try has fetched is used"""

    bl_idname = "wildseg3d.neural_install"
    bl_label = "Install Neural Engines"
    bl_options = {"INTERNAL"}

    index: bpy.props.StringProperty(
        name="Package Index", description="Address to take packages from instead of PyPI"
    )
    find_links: bpy.props.StringProperty(
        name="Folder of Wheels", description="Folder to look for packages in first", subtype="DIR_PATH"
    )
    torch_backend: bpy.props.StringProperty(
        name="Torch Build",
        description="Which build of torch, by uv's names: auto, cpu, cu130, rocm7.2; none takes it from the "
        "index like everything else",
        default="auto",
    )

    def begin(self, context: bpy.types.Context) -> neural_task.Task:
        links = (bpy.path.abspath(self.find_links),) if self.find_links else ()
        source = Source(self.torch_backend, self.index, links, bool(bpy.app.online_access))
        folder, dust3r = neural_task.neural_folder(context), licences.dust3r_wanted()

        def work(progress: Progress) -> str:
            made = install(folder, source=source, dust3r=dust3r, progress=progress)
            return f"Neural engines installed: torch {made.versions['torch']} on {made.device}."

        return neural_task.start("Installing the neural engines", work)


class WILDSEG3D_OT_neural_use_existing(_TaskOperator, bpy.types.Operator):
    """Use an environment that you made instead; it is tried out first and never changed"""

    bl_idname = "wildseg3d.neural_use_existing"
    bl_label = "Use an Existing Environment"
    bl_options = {"INTERNAL"}

    directory: bpy.props.StringProperty(
        name="Environment", description="Folder of the environment", subtype="DIR_PATH"
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the folder first."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def begin(self, context: bpy.types.Context) -> neural_task.Task:
        place = Path(bpy.path.abspath(self.directory)).absolute()
        folder = neural_task.neural_folder(context)

        def work(progress: Progress) -> str:
            found = environment.use_existing(place, folder, progress=progress)
            return f"Neural engines run in {place} on {found.device}."

        return neural_task.start("Trying the environment out", work)


class WILDSEG3D_OT_neural_uninstall(bpy.types.Operator):
    """Remove the environment of the neural engines, or stop using the one you chose. Models stay"""

    bl_idname = "wildseg3d.neural_uninstall"
    bl_label = "Uninstall Neural Engines"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _idle(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask before."""
        return set(context.window_manager.invoke_confirm(self, event))

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        freed = environment.uninstall(neural_task.neural_folder(context))
        self.report({"INFO"}, f"Neural engines removed, {readable(freed)} free again.")
        return {"FINISHED"}


class WILDSEG3D_OT_neural_accept(bpy.types.Operator):
    """Read and accept the licence of this model, which restricts what it may be used for"""

    bl_idname = "wildseg3d.neural_accept"
    bl_label = "Accept Licence"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(name="Model")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show it first."""
        return set(context.window_manager.invoke_props_dialog(self, width=480))

    def draw(self, context: bpy.types.Context) -> None:
        """The licence in short, and where to read it."""
        model = find_model(self.name)
        column = self.layout.column()
        column.label(text=f"{model.title} is under {model.licence}:")
        column.label(text=model.restriction)
        column.operator("wm.url_open", text="Read the Licence").url = model.licence_page
        column.label(text="OK: I have read and accept it.")

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        model = find_model(self.name)
        licences.accept(model)
        self.report({"INFO"}, f"Accepted for {model.title}: {model.licence}.")
        return {"FINISHED"}


class WILDSEG3D_OT_neural_download(_TaskOperator, bpy.types.Operator):
    """Download this model and check it. An earlier try goes on where it stopped"""

    bl_idname = "wildseg3d.neural_download"
    bl_label = "Download Model"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(name="Model")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if environment.find_environment(neural_task.neural_folder(context)) is None:
            cls.poll_message_set("Install the neural engines first: they do the downloading")
            return False
        return _idle(cls)

    def begin(self, context: bpy.types.Context) -> neural_task.Task:
        name, online = self.name, bool(bpy.app.online_access)
        found = environment.find_environment(neural_task.neural_folder(context))
        python = None if found is None else Path(found.python)

        def work(progress: Progress) -> str:
            return f"{models.download(name, online=online, python=python, progress=progress)} is there."

        return neural_task.start(f"Downloading {find_model(name).title}", work)


class WILDSEG3D_OT_neural_confirm(bpy.types.Operator):
    """You put the file of this model into the models folder yourself and know that it is the right one"""

    bl_idname = "wildseg3d.neural_confirm"
    bl_label = "Confirm Model File"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(name="Model")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask before."""
        return set(context.window_manager.invoke_confirm(self, event))

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        self.report({"INFO"}, f"{models.confirm(self.name)} is used from now on.")
        return {"FINISHED"}


class WILDSEG3D_OT_neural_cancel(bpy.types.Operator):
    """Stop installing or downloading. What was fetched is kept"""

    bl_idname = "wildseg3d.neural_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if neural_task.current() is None:
            cls.poll_message_set("Nothing is being installed or downloaded")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        task = neural_task.current()
        if task is not None:
            task.cancel()
        return {"FINISHED"}


def _idle(cls: Any) -> bool:
    running = neural_task.current()
    if running is not None:
        cls.poll_message_set(f"{running.title} is still running: wait for it or cancel it")
    return running is None


def _redraw_preferences(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


CLASSES = (
    WILDSEG3D_OT_neural_install,
    WILDSEG3D_OT_neural_use_existing,
    WILDSEG3D_OT_neural_uninstall,
    WILDSEG3D_OT_neural_accept,
    WILDSEG3D_OT_neural_download,
    WILDSEG3D_OT_neural_confirm,
    WILDSEG3D_OT_neural_cancel,
)
