# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the panel does, as plain functions for scripts. They block, and raise ``WildSegError``.

What an artist had better know all the same comes as a ``UserWarning`` of Python's.
A reconstruction is its root Empty, an object of the list its name, a place in a photo its pixel: upright,
from the top left corner, y down. ``docs/scripting.md`` has recipes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..errors import PhotoError, PromptError
from ..files.photos import find_photos
from . import photo_list
from .scene import exporting, groups, lookup, objects, orientation, prompting, surfaces
from .tasks import refining, segmenting
from .tasks.driving import Work, to_the_end
from .tasks.finding_objects import finding_objects
from .tasks.opening import opening
from .tasks.reconstructing import reconstructing

Pixel = tuple[float, float]
Place = Sequence[float]


def reconstruct(
    photos: Path | str | Sequence[Path | str],
    *,
    folder: Path | str = "",
    engine: str = "",
    image_size: int = 0,
) -> bpy.types.Object:
    """Photos -> cameras and coloured points in the current Blender scene; returns the root.

    Args:
        photos: a folder, or files.
        folder: the scene folder to write; beside the .blend when empty.
        engine: "stereo", "dust3r" or "mixed"; what the panel says when empty.
        image_size: longer side of the depth maps, pixels; what the panel says when 0.

    Raises:
        WildSegError: of the kind that says what is wrong with the photos, the folder or the worker.
    """
    several = [photos] if isinstance(photos, str | Path) else list(photos)
    given = [Path(photo).absolute() for photo in several]
    if not given:
        raise PhotoError("No photos were given: name a folder, or files.")
    if len(given) == 1 and given[0].is_dir():
        source = photo_list.of_folder(str(given[0]))
    else:
        source = photo_list.of_files(str(photo) for photo in find_photos(given))
    place = Path(folder).absolute() if folder else None
    _do(reconstructing(source, place, engine=engine, image_size=image_size), "Reconstruct")
    return lookup.require_root(bpy.context.scene)


def open_scene(folder: Path | str) -> bpy.types.Object:
    """A scene folder that exists -> the current Blender scene; returns the root. Raises SceneError."""
    _do(opening(Path(folder).absolute()), "Open Scene Folder")
    return lookup.require_root(bpy.context.scene)


def active_root() -> bpy.types.Object:
    """The root of the reconstruction that the panel works on. SceneError when there is none."""
    return lookup.require_root(bpy.context.scene)


def click(
    root: bpy.types.Object, name: str, view: str, pixel: Pixel, *, exclude: bool = False
) -> bpy.types.Object:
    """Say what belongs to an object, or with ``exclude`` what does not; returns the prompt's Empty.

    Args:
        name: of the object; it is added to the list when it is not there.
        view: the photo's file name, with or without its ending.

    Raises:
        SceneError: no such photo, or the scene folder is gone.
        PromptError: the pixel lies outside the photo.
    """
    return prompting.add_click(root, view, pixel, positive=not exclude, group=name)


def box(root: bpy.types.Object, name: str, view: str, first: Pixel, second: Pixel) -> bpy.types.Object:
    """Draw a box around an object, from two opposite corners; otherwise as ``click``."""
    return prompting.add_box(root, view, first, second, group=name)


def place_prompts(root: bpy.types.Object, data: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Place prompts as a JSON file holds them; returns the names of their objects.

    Args:
        data: name of an object -> its prompts, each with a "view" and one of "click": [x, y],
            "exclude": [x, y] and "box": [x0, y0, x1, y1].

    Raises:
        PromptError: the data are not like that, or a pixel lies outside its photo.
        SceneError: no such photo, or the scene folder is gone.
    """
    for name, prompts in data.items():
        for number, prompt in enumerate(prompts, 1):
            kind, view, numbers = _read_prompt(f"Prompt {number} of {name}", prompt)
            if kind == "box":
                box(root, name, view, (numbers[0], numbers[1]), (numbers[2], numbers[3]))
            else:
                click(root, name, view, (numbers[0], numbers[1]), exclude=kind == "exclude")
    return list(data)


def find_objects(root: bpy.types.Object) -> None:
    """Find the objects of the scene in advance, so that prompts are answered at once."""
    _do(finding_objects(root), "Find Objects", root)


def segment(root: bpy.types.Object, name: str = "") -> dict[str, bpy.types.Object]:
    """Cut objects out of the points: the one of that name, or all whose prompts have changed.

    Returns:
        Name -> mesh object, of all objects that are cut out now.

    Raises:
        WildSegError: of the kind that says what is wrong with prompts, scene folder or worker. Nothing is
            changed then.
    """
    _do(segmenting.segmenting(root, name), "Segment", root)
    return cut_out(root)


def cut_out(root: bpy.types.Object) -> dict[str, bpy.types.Object]:
    """Name -> mesh object, of the objects of the list that are cut out."""
    found = {item.name: groups.mesh_object(item) for item in root.wildseg3d.groups}
    return {name: mesh for name, mesh in found.items() if mesh is not None}


def realign(root: bpy.types.Object, name: str = "") -> None:
    """Align the scene again so that an object (all of them without a name) fits best."""
    names = [name] if name else refining.cut_out(root)
    _do(refining.refining(root, names), "Refine Alignment", root)


def rename(root: bpy.types.Object, name: str, new_name: str) -> str:
    """Call an object something else; returns its name, numbered where ``new_name`` is taken."""
    item = groups.require(root, name)
    item.name = new_name
    return str(item.name)


def delete(root: bpy.types.Object, name: str) -> None:
    """Delete an object: its points go back to the scene, its prompts are forgotten."""
    objects.delete(root, name)


def put_back(root: bpy.types.Object, name: str) -> None:
    """Give an object's points back to the scene; it stays in the list with its prompts."""
    objects.put_back(root, name)


def merge(root: bpy.types.Object, name: str, into: str) -> None:
    """Make two objects one: ``into`` gets the points and the prompts of ``name``."""
    if not objects.merge(root, name, into):
        segment(root, into)


def duplicate_as_mesh(root: bpy.types.Object, name: str) -> bpy.types.Object:
    """A copy of an object as a plain mesh that WildSeg3D never changes."""
    return objects.duplicate_as_mesh(bpy.context, root, name)


def surface(root: bpy.types.Object, name: str = "", *, closed: bool = False) -> bpy.types.Object:
    """A mesh with the photos on it, made of an object's points, or of those that belong to none.

    Open, as the photos show it, or ``closed``, its back made up; for details see ``scene.surfaces``.
    """
    return surfaces.make(root, name, surfaces.Closed() if closed else surfaces.PHOTOS)


def update_surface(root: bpy.types.Object, name: str = "") -> bpy.types.Object:
    """Make a surface anew whose points have changed since, with the settings that it was made with."""
    return surfaces.update(root, name)


def set_ground(root: bpy.types.Object, name: str = "", places: Sequence[Place] = ()) -> None:
    """Lay the reconstruction on z = 0 by three ``places`` of the ground in Blender's world.

    Without places, by the largest plane in an object's points, or in those that belong to none.
    """
    if places:
        orientation.set_ground(root, np.array(places, np.float64).reshape(-1, 3))
        return
    points = orientation.points_of(surfaces.points_of(root, name))
    orientation.set_ground(root, points, any_way_up=bool(name))


def set_distance(root: bpy.types.Object, first: Place, second: Place, length: float) -> None:
    """Scale the reconstruction so that two places of it in Blender's world come to lie ``length`` apart."""
    orientation.set_distance(root, np.array(first, np.float64), np.array(second, np.float64), length)


def export(items: Sequence[bpy.types.Object], file: Path | str) -> Path:
    """Write Blender objects into one file, as its ending says; see ``scene.exporting``."""
    return exporting.export(items, file)


def _do(work: Work, title: str, root: bpy.types.Object | None = None) -> None:
    """Do it to the end; ``root`` is then what the panel works on."""
    if root is not None:
        bpy.context.scene.wildseg3d.root = root
    told: list[str] = []
    to_the_end(work, title, told.append)
    for text in told:
        warnings.warn(text, stacklevel=3)


def _read_prompt(what: str, prompt: Any) -> tuple[str, str, list[float]]:
    lengths = {"click": 2, "exclude": 2, "box": 4}
    kinds = [kind for kind in lengths if isinstance(prompt, Mapping) and kind in prompt]
    if len(kinds) != 1 or not isinstance(prompt.get("view"), str):
        raise PromptError(f'{what} is not understood: it needs a "view" and one of {", ".join(lengths)}.')
    numbers = prompt[kinds[0]]
    try:
        values = [float(number) for number in numbers]
    except (TypeError, ValueError) as error:
        raise PromptError(f"{what} is not understood: {numbers!r} are no numbers.") from error
    if len(values) != lengths[kinds[0]]:
        raise PromptError(f"{what} is not understood: a {kinds[0]} has {lengths[kinds[0]]} numbers.")
    return kinds[0], str(prompt["view"]), values
