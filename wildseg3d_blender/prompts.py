# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist points at: clicks and boxes, in view pixels (see ``conventions``)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import PromptError


@dataclass(frozen=True)
class Click:
    """A point on the object (``positive``) or on something that must stay out. View pixels."""

    view: str
    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True)
class Box:
    """A rectangle around the object, corners in view pixels, x0 < x1 and y0 < y1."""

    view: str
    x0: float
    y0: float
    x1: float
    y1: float


Prompt = Click | Box

MOST_SIZES = 20
"""How far a group's size may be from the best answer; beyond any nesting of real things."""


@dataclass(frozen=True)
class PromptGroup:
    """Prompts that are answered together. An object is made of one or more groups, in order.

    Attributes:
        prompts: in the order in which they were given; at least one click on the object or one box.
        subtract: what the group shows is taken away from what the groups before it made; otherwise it is
            added. The first group is what the object is and takes nothing away.
        size: which of the things that fit the prompts: 0 the best, 1 the next larger known one that holds
            it, 2 the one after that; -1, -2 the next smaller ones. Beyond the last it stays the last.
    """

    prompts: tuple[Prompt, ...]
    subtract: bool = False
    size: int = 0


def one_group(prompts: Sequence[Prompt]) -> tuple[PromptGroup, ...]:
    """The groups of an object that only ``prompts`` describe."""
    return (PromptGroup(tuple(prompts)),)


def is_positive(prompt: Prompt) -> bool:
    """Whether a prompt says what to take."""
    return isinstance(prompt, Box) or prompt.positive


Spot = tuple[str | int, ...]


def spot_of(prompt: Prompt) -> Spot:
    """The kind, view and pixels of a prompt: what it says, whatever the digits behind the point.

    A prompt that went through Blender and back is off by a hair; it is the same as long as this is.
    """
    if isinstance(prompt, Click):
        return "click", prompt.view, math.floor(prompt.x), math.floor(prompt.y), prompt.positive
    low, high = (math.floor(prompt.x0), math.floor(prompt.y0)), (math.ceil(prompt.x1), math.ceil(prompt.y1))
    return "box", prompt.view, *low, *high


def check_groups(groups: Sequence[PromptGroup]) -> None:
    """PromptError unless the groups, as they stand, can mean an object."""
    if not groups or not any(group.prompts for group in groups):
        raise PromptError("There are no prompts yet: click on the object, or draw a box around it.")
    if groups[0].subtract:
        raise PromptError("The first group of prompts takes something away: show the object itself first.")
    for number, group in enumerate(groups):
        if not any(is_positive(prompt) for prompt in group.prompts):
            what = "the object itself" if number == 0 else "what is " + _DONE_WITH[group.subtract]
            raise PromptError(f"Every prompt excludes: place at least one on {what}.")


_DONE_WITH = {False: "to be added", True: "to be taken away"}


def prompt_to_json(prompt: Prompt) -> dict[str, Any]:
    """A prompt as a JSON object with a ``type`` of "click" or "box"."""
    kind = "click" if isinstance(prompt, Click) else "box"
    return {"type": kind, **vars(prompt)}


def prompt_from_json(data: dict[str, Any]) -> Prompt:
    """The reverse of ``prompt_to_json``; PromptError on anything malformed."""
    try:
        kind = data["type"]
        if kind == "click":
            return Click(
                str(data["view"]), float(data["x"]), float(data["y"]), bool(data.get("positive", True))
            )
        if kind == "box":
            return Box(str(data["view"]), *(float(data[k]) for k in ("x0", "y0", "x1", "y1")))
    except (KeyError, TypeError, ValueError) as error:
        raise PromptError(f"Prompt not understood ({data!r}): {error}.") from error
    raise PromptError(f"Prompt type {kind!r} is not known; use 'click' or 'box'.")


def group_to_json(group: PromptGroup) -> dict[str, Any]:
    """A group as a JSON object."""
    prompts = [prompt_to_json(prompt) for prompt in group.prompts]
    return {"prompts": prompts, "subtract": group.subtract, "size": group.size}


def group_from_json(data: Any) -> PromptGroup:
    """The reverse of ``group_to_json``; PromptError on anything malformed."""
    if not isinstance(data, Mapping) or not isinstance(data.get("prompts"), list | tuple):
        raise PromptError(f"Group of prompts not understood ({data!r}): it needs a list of prompts.")
    subtract, size = data.get("subtract", False), data.get("size", 0)
    if unknown := sorted(set(data) - {"prompts", "subtract", "size"}):
        raise PromptError(f"Group of prompts not understood: {unknown[0]!r} is none of its members.")
    if not isinstance(subtract, bool):
        raise PromptError(f"A group's subtract is true or false, not {subtract!r}.")
    if type(size) is not int or abs(size) > MOST_SIZES:
        raise PromptError(
            f"A group's size is a whole number from -{MOST_SIZES} to {MOST_SIZES}, not {size!r}."
        )
    return PromptGroup(tuple(prompt_from_json(item) for item in data["prompts"]), subtract, size)
