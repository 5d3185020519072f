# SPDX-License-Identifier: GPL-3.0-or-later
"""An artist at work: clicks, presses Segment, looks at the photo just clicked, clicks again or undoes.

Everything goes through the add-on's operators. Looking is simulated with the true masks, and only in the
photo that was clicked: the other photos stay unseen, as they do for somebody who works on one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy

from samples.truth import SampleTruth
from wildseg3d_blender.addon.scene import lookup
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import SceneObject, object_folders, read_object

from .clicks import DemoClick, refining_click
from .measure import overlap


def segment(scene: Scene, new: Sequence[DemoClick]) -> dict[str, SceneObject]:
    """Place the clicks, press Segment, and read back all objects there are now, by name."""
    for click in new:
        bpy.ops.wildseg3d.prompt_add(
            view=click.view, x=click.x, y=click.y, positive=click.positive, object=click.name
        )
    bpy.ops.wildseg3d.segment()
    found = [read_object(scene, folder) for folder in object_folders(scene)]
    return {item.name: item for item in found}


def refine(
    scene: Scene,
    truth: SampleTruth,
    clicked: dict[str, list[DemoClick]],
    objects: Mapping[str, SceneObject],
) -> dict[str, SceneObject]:
    """Click again where the mask in the clicked photo is wrong; take back a click that made it worse.

    Args:
        clicked: object name -> its clicks so far; the new ones are appended.
        objects: the objects after those clicks.

    Returns:
        The objects after the last click.
    """
    content: set[str] = set()
    while True:
        wanted = {
            name: refining_click(scene, truth, mine, objects[name])
            for name, mine in clicked.items()
            if name not in content
        }
        new = [click for click in wanted.values() if click is not None]
        if not new:
            return dict(objects)
        after = segment(scene, new)
        worse = [
            click for click in new if _seen(scene, truth, click, after) < _seen(scene, truth, click, objects)
        ]
        for click in new:
            clicked[click.name].append(click)
        for click in worse:
            _undo(click.name)
            clicked[click.name].pop()
            content.add(click.name)
        objects = segment(scene, []) if worse else after


def _seen(scene: Scene, truth: SampleTruth, click: DemoClick, objects: Mapping[str, SceneObject]) -> float:
    """IoU of the click's object in the photo that was clicked."""
    return overlap(scene, truth, click, objects[click.name])[click.view]


def _undo(name: str) -> None:
    """Remove an object's newest prompt."""
    root = lookup.require_root(bpy.context.scene)
    bpy.ops.wildseg3d.prompt_remove(name=lookup.prompts(root, name)[-1].name)
