# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a scene's objects in advance, waiting for it; ``finding`` does it quietly."""

from __future__ import annotations

import bpy

from ...wording import found_objects
from ...worker.messages import FindObjects, FoundObjects
from .. import conditions
from ..scene import lookup
from ..session import choosing, finding
from .driving import Call, Work


def finding_objects(root: bpy.types.Object) -> Work:
    """Find the objects of the scene, so that prompts are answered at once.

    Raises:
        WildSegError: of the kind that says what is wrong with the scene folder or the worker.
    """
    conditions.idle()
    conditions.own(root)
    folder = lookup.open_scene(root).folder
    asked = FindObjects(scene=str(folder), segmenter=choosing.segmenter(bpy.context.scene))
    answer = yield Call(finding.TITLE, finding.METHOD, asked.to_json())
    found = FoundObjects.from_json(answer)
    finding.note(folder)
    return f"Found {found_objects(found.count, found.parts)}."
