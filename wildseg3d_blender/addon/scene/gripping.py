# SPDX-License-Identifier: GPL-3.0-or-later
"""A prompt that follows the mouse: it stays on the surfaces, and under the place where it was gripped."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ...errors import PromptError
from ...prompts import Box, Click, Prompt
from ...scene.folder import Scene
from . import aiming, lookup, prompting, reading


@dataclass(frozen=True)
class Grip:
    """A prompt being moved; keeps its name, never a reference into Blender's data.

    Attributes:
        before: the prompt as it was.
        offset: from its centre to where it was gripped, in view pixels.
    """

    name: str
    scene: Scene
    before: Prompt
    offset: tuple[float, float]

    @property
    def is_box(self) -> bool:
        """Whether it is a box, which is gripped by its frame."""
        return isinstance(self.before, Box)

    def select(self, context: bpy.types.Context) -> None:
        """Select its Empty and nothing else."""
        item, _ = self._found()
        prompting.select(context.view_layer, item)

    def move(self, context: bpy.types.Context, mouse: aiming.Mouse) -> None:
        """Put it under the mouse; where the mouse points at nothing, it stays where it was last."""
        item, root = self._found()
        try:
            aim = aiming.in_view(context, self.scene, root, self.scene.view(self.before.view), mouse)
        except PromptError:
            return
        prompt = moved(self.before, aim, self.offset)
        if prompt is not None:
            prompting.put(self.scene, root, item, prompt)

    def put_back(self) -> None:
        """Put it where it was."""
        item, root = self._found()
        prompting.put(self.scene, root, item, self.before)

    def _found(self) -> tuple[bpy.types.Object, bpy.types.Object]:
        item = bpy.data.objects.get(self.name)
        root = lookup.root_of(item)
        if item is None or root is None:
            raise PromptError(f"{self.name} was deleted: undo that, or place another.")
        return item, root


def grip(context: bpy.types.Context, item: bpy.types.Object, mouse: aiming.Mouse) -> Grip:
    """Take hold of a prompt's Empty under the mouse.

    Raises:
        SceneError: the scene folder is gone.
        PromptError: it hangs under no reconstruction, or lies outside its photo.
    """
    root = lookup.root_of(item)
    if root is None:
        raise PromptError(f"{item.name} hangs under no reconstruction any more: undo that, or delete it.")
    scene = lookup.open_scene(root)
    before = reading.read(scene, root, item)
    offset = (0.0, 0.0)
    if aiming.photo(context, root) == before.view:
        x, y = centre_of(before)
        aim = aiming.at(context, scene, root, mouse)
        offset = (aim.pixel[0] - x, aim.pixel[1] - y)
    return Grip(item.name, scene, before, offset)


def centre_of(prompt: Prompt) -> tuple[float, float]:
    """The pixel in the middle of a prompt."""
    if isinstance(prompt, Box):
        return (prompt.x0 + prompt.x1) / 2, (prompt.y0 + prompt.y1) / 2
    return prompt.x, prompt.y


def moved(prompt: Prompt, aim: aiming.Aim, offset: tuple[float, float]) -> Prompt | None:
    """The prompt with its centre ``offset`` before the aim, inside the photo; None for a box in another."""
    width, height = aim.view.size
    if isinstance(prompt, Box):
        if aim.view.name != prompt.view:
            return None
        half_width, half_height = (prompt.x1 - prompt.x0) / 2, (prompt.y1 - prompt.y0) / 2
        x = min(max(aim.pixel[0] - offset[0], half_width), width - half_width)
        y = min(max(aim.pixel[1] - offset[1], half_height), height - half_height)
        return Box(prompt.view, x - half_width, y - half_height, x + half_width, y + half_height)
    x = min(max(aim.pixel[0] - offset[0], 0.0), float(width))
    y = min(max(aim.pixel[1] - offset[1], 0.0), float(height))
    return Click(aim.view.name, x, y, prompt.positive)
