# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist points at: clicks and boxes, in view pixels (see ``conventions``)."""

from __future__ import annotations

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
