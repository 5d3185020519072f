# SPDX-License-Identifier: GPL-3.0-or-later
"""An object's parts: groups of prompts, each found by itself and added to the object or taken away from it.

The first is the object itself; most objects have no other.
"""

from __future__ import annotations

from typing import Any

import bpy

from ...errors import PromptError
from . import lookup

WHOLE = 0
"""Number of an object's first part."""


def ensure(item: Any) -> Any:
    """The parts of an object of the list; the first is made where it is missing, as in older files."""
    if not item.parts:
        item.parts.add()
    return item.parts


def active(item: Any) -> Any:
    """The part that new prompts go to."""
    parts = ensure(item)
    return parts[max(0, min(item.active_part, len(parts) - 1))]


def shown(item: Any) -> Any | None:
    """The active part; None where the first is missing, as in older files. Reads only, for drawing."""
    return item.parts[max(0, min(item.active_part, len(item.parts) - 1))] if item.parts else None


def active_size(item: Any) -> int:
    """The size of the active part. Reads only."""
    part = shown(item)
    return 0 if part is None else int(part.size)


def active_label(item: Any) -> str:
    """What the panel calls the active part. Reads only."""
    part = shown(item)
    return str(item.name) if part is None else label(item, part)


def active_number(item: Any) -> int:
    """The number of the active part. Reads only."""
    part = shown(item)
    return WHOLE if part is None else int(part.number)


def place_of_active(item: Any) -> int | None:
    """Which one the active part is among those with prompts, which a preview speaks about. Reads only."""
    asked = [part.number for part in item.parts if lookup.prompts(item.id_data, item.name, part.number)]
    active = active_number(item)
    return asked.index(active) if active in asked else None


def find(item: Any, number: int) -> Any:
    """The part of that number. PromptError when there is none."""
    for part in ensure(item):
        if part.number == number:
            return part
    raise PromptError(f"{item.name} has no part {number}: add one first.")


def without_prompts(root: bpy.types.Object, item: Any) -> Any | None:
    """A further part that was begun and has no prompts yet, or None."""
    further = (part for part in ensure(item) if part.number != WHOLE)
    return next((part for part in further if not lookup.prompts(root, item.name, part.number)), None)


def add(item: Any, *, subtract: bool) -> Any:
    """A further part, active, that the object gains (or loses, with ``subtract``)."""
    number = 1 + max(part.number for part in ensure(item))
    made = item.parts.add()
    made.number, made.subtract = number, subtract
    item.active_part = len(item.parts) - 1
    return made


def remove(root: bpy.types.Object, item: Any, number: int) -> None:
    """Drop a further part and its prompts.

    Raises:
        PromptError: there is none of that number, or it is the object itself.
    """
    find(item, number)
    if number == WHOLE:
        raise PromptError(f"That is {item.name} itself: remove it from the list of objects instead.")
    for prompt in lookup.prompts(root, item.name, number):
        bpy.data.objects.remove(prompt)
    item.parts.remove([part.number for part in item.parts].index(number))
    item.active_part = min(item.active_part, len(item.parts) - 1)


def label(item: Any, part: Any) -> str:
    """What the panel calls a part; numbered where there are several of its kind."""
    if part.number == WHOLE:
        return str(item.name)
    text = "Taken away" if part.subtract else "Added"
    alike = [one.number for one in item.parts if one.number != WHOLE and one.subtract == part.subtract]
    return text if len(alike) == 1 else f"{text} {alike.index(part.number) + 1}"
