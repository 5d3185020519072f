# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts on the command line: options whose order means something, in photo pixels."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import PromptError
from ..prompts import MOST_SIZES, Prompt, PromptGroup
from ..scene.folder import Scene, View
from .photo_prompts import box_on_photo, click_on_photo

EXAMPLES = """\
examples:
  one click, and one on what must stay out:
    segment SCENE --view IMG_3.jpg --click 812 430 --exclude 900 655 --name Mug
  clicks in two photos:
    segment SCENE --view IMG_3.jpg --click 812 430 --view IMG_5.jpg --click 640 388 --name Mug
  the next larger thing that holds what was clicked, say the mug with its saucer:
    segment SCENE --view IMG_3.jpg --click 812 430 --size 1 --name "Mug and saucer"
  without the spoon, which is found by itself and taken away:
    segment SCENE --view IMG_3.jpg --click 812 430 --subtract --click 870 380 --name Mug
  two things as one object:
    segment SCENE --view IMG_3.jpg --click 812 430 --add --box 100 90 420 510 --name Breakfast
"""

GIVEN = "prompts"
"""Where argparse collects the options, in the order given."""

Given = tuple[str, tuple[Any, ...]]
"""An option without its dashes, and its values."""


def add_prompt_options(command: argparse.ArgumentParser) -> None:
    """--view, --click, --exclude, --box, --size, --add and --subtract."""
    prompt: dict[str, Any] = {"action": _Collect, "dest": GIVEN, "default": None}
    pixels: dict[str, Any] = {**prompt, "type": float}
    command.add_argument(
        "--view", nargs=1, metavar="NAME", help="photo that the prompts after it are on", **prompt
    )
    command.add_argument(
        "--click", nargs="+", metavar=("X", "Y"), help="on the object; also X Y X Y ...", **pixels
    )
    command.add_argument("--exclude", nargs="+", metavar=("X", "Y"), help="on what must stay out", **pixels)
    command.add_argument(
        "--box", nargs=4, metavar=("X0", "Y0", "X1", "Y1"), help="around the object", **pixels
    )
    command.add_argument(
        "--size",
        nargs=1,
        type=_size,
        metavar="N",
        help="1: the next larger thing found before that holds it, 2: the one after that; "
        "-1, -2: the next smaller ones",
        **prompt,
    )
    command.add_argument(
        "--add",
        nargs=0,
        help="what the prompts after it show is found by itself and added to the object",
        **prompt,
    )
    command.add_argument(
        "--subtract",
        nargs=0,
        help="what the prompts after it show is found by itself and taken away from the object",
        **prompt,
    )


def photo_groups(scene: Scene, given: Sequence[Given]) -> tuple[PromptGroup, ...]:
    """The options in the order given as groups of prompts in view pixels.

    Each prompt is on the view of the last --view before it; a single --view may stand anywhere.

    Raises:
        PromptError: a prompt comes before any --view, lies outside its photo, or a group has none.
        SceneError: a view's name is not known.
    """
    views = [scene.view(values[0]) for kind, values in given if kind == "view"]
    view = views[0] if len(views) == 1 else None
    groups = [_Group("the object itself")]
    for kind, values in given:
        if kind == "view":
            view = scene.view(values[0])
        elif kind in ("add", "subtract"):
            groups.append(_Group(f"--{kind}", subtract=kind == "subtract"))
        elif kind == "size":
            groups[-1].size = values[0]
        elif view is None:
            raise PromptError(f"Say with --view which photo --{kind} is on, before it.")
        else:
            groups[-1].prompts += _prompts(view, kind, values)
    if not groups[0].prompts:
        raise PromptError("Show the object: --view NAME --click X Y, or --view NAME --box X0 Y0 X1 Y1.")
    for group in groups[1:]:
        if not group.prompts:
            raise PromptError(f"There is no prompt after {group.name}: click on what it is about.")
    return tuple(PromptGroup(tuple(group.prompts), group.subtract, group.size) for group in groups)


@dataclass
class _Group:
    """A group of prompts that is being read."""

    name: str
    subtract: bool = False
    size: int = 0
    prompts: list[Prompt] = field(default_factory=list)


def _prompts(view: View, kind: str, values: tuple[Any, ...]) -> list[Prompt]:
    if kind == "box":
        return [box_on_photo(view, *values)]
    pairs = zip(values[::2], values[1::2], strict=True)
    return [click_on_photo(view, x, y, kind == "click") for x, y in pairs]


class _Collect(argparse.Action):
    """Collects the options in one list."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        kind = self.option_strings[0].removeprefix("--")
        if kind in ("click", "exclude") and len(values) % 2:
            parser.error(f"argument --{kind}: give pairs of X Y")
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), (kind, tuple(values))])


def _size(text: str) -> int:
    value = int(text)
    if abs(value) > MOST_SIZES:
        raise argparse.ArgumentTypeError(f"{value} is not between -{MOST_SIZES} and {MOST_SIZES}")
    return value
