# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work in Blender as steps, between which Blender draws and takes the artist's input.

Such work is a generator. In a window an operator drives it a few steps at a time; ``run`` drives it straight
through. Across a yield it keeps names, never a reference into Blender's data, because undo replaces those;
and it leaves nothing half made when it is closed at a yield.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import bpy

from ...errors import SceneError, WildSegError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Aside:
    """Something to compute beside Blender, from files and arrays alone; the answer is sent back.

    ``compute`` may run on another thread: it never touches Blender's data.
    """

    compute: Callable[[], Any]
    text: str = ""


@dataclass(frozen=True)
class Pause:
    """Blender may draw here; ``fraction`` says how far the work is, in [0, 1], None: as far as before."""

    fraction: float | None = None
    text: str = ""


Step = Aside | Pause
Steps = Generator[Step, Any, Result]


def run(work: Steps[Result]) -> Result:
    """Drive ``work`` to its end at once; returns what it returns."""
    try:
        step = next(work)
        while True:
            answer = step.compute() if isinstance(step, Aside) else None
            step = work.send(answer)
    except StopIteration as stop:
        result: Result = stop.value
        return result


def within(work: Steps[Result], start: float, end: float) -> Steps[Result]:
    """``work`` as a piece of something longer, from ``start`` to ``end`` of it."""
    go_on = partial(next, work)
    try:
        while True:
            step = go_on()
            if isinstance(step, Pause) and step.fraction is not None:
                step = replace(step, fraction=start + (end - start) * step.fraction)
            try:
                answer = yield step
            except GeneratorExit:
                work.close()
                raise
            except WildSegError as error:  # thrown in for the work, which may handle it
                go_on = partial(work.throw, error)
            else:
                go_on = partial(work.send, answer)
    except StopIteration as stop:
        result: Result = stop.value
        return result


def mesh_named(name: str) -> bpy.types.Mesh:
    """A mesh that is being made, as it is after a step. SceneError when it was undone meanwhile."""
    found = bpy.data.meshes.get(name)
    if found is None:
        raise SceneError("What was being made was undone meanwhile: press the button again.")
    return found


def object_named(name: str) -> bpy.types.Object:
    """An object as it is after a step. SceneError when it was deleted or undone meanwhile."""
    found = bpy.data.objects.get(name)
    if found is None:
        raise SceneError(f"{name} was deleted or undone meanwhile: press the button again.")
    return found
