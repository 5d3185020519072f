# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a scene on disk.

    objects/<folder>/object.json    name, groups of prompts, order, shared, segmenter, version
    objects/<folder>/masks.npy      the pixels that show the object in all views, see ``packed_views``
    objects/<folder>/points.npy     the pixels whose 3D points it claims, likewise
    objects/<folder>/groups.npy     (k, n), what each group was found to be, where there are several

Each folder is replaced whole. Objects may claim the same points; ``ownership`` says whose they are. The
version is a digest of all but the name; ``history`` keeps what was replaced by it.
Scenes of format 1 and 2 have objects with one group, whose prompts stand in object.json by themselves,
without an order (they count in the order of their folders' names, before all that have one), and with their
masks and points in a folder each, a file per view.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import PromptError, SceneError
from ..files.atomic_folder import replacing_folder
from ..files.names import file_stem
from ..prompts import Prompt, PromptGroup, group_from_json, group_to_json, one_group, prompt_from_json
from .folder import Scene, check_there, read_array, read_json
from .packed_views import PackedViews, ViewMasks, pack_views, read_packed

Shared = Literal["take", "leave"]
"""Who gets points that other objects claim too: the object takes them, or leaves them to the others."""

OLDEST = 0
"""Order of objects that have none."""


@dataclass(frozen=True)
class SceneObject:
    """An object cut out of a scene.

    Attributes:
        name: what the artist calls it.
        groups: the prompts that made it.
        masks: all pixels that show the object.
        points: the pixels whose 3D points it claims (a subset of masks).
        order: of two objects that claim a point, the one with the higher order owns it.
        shared: what ``order`` was chosen by.
        answers: what each group was found to be; empty for a single group, whose answer the masks are.
        segmenter: the one that found it; "" where that is not known.
        version: as it is on disk; "" for one that was not read from there.
    """

    name: str
    groups: tuple[PromptGroup, ...]
    masks: ViewMasks
    points: ViewMasks
    order: int = OLDEST
    shared: Shared = "take"
    answers: tuple[ViewMasks, ...] = ()
    segmenter: str = ""
    version: str = ""

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts of all groups."""
        return tuple(prompt for group in self.groups for prompt in group.prompts)


def with_groups(
    masks: ViewMasks, groups: Sequence[PromptGroup], answers: Sequence[ViewMasks]
) -> dict[str, NDArray[np.bool_]]:
    """Masks with what further groups were found to be, added or taken away pixel by pixel, in order."""
    made = dict(masks)
    for group, answer in zip(groups, answers, strict=True):
        for view, mask in answer.items():
            made[view] = made[view] & ~mask if group.subtract else made[view] | mask
    return made


def object_folders(scene: Scene) -> list[Path]:
    """Folders of the objects of a scene, in name order."""
    root = scene.folder / "objects"
    return sorted(path.parent for path in root.glob("*/object.json"))


def object_folder(scene: Scene, name: str) -> Path | None:
    """The folder of the object of that name; None when there is none."""
    folders = object_folders(scene)
    return next((folder for folder in folders if name_in(folder) == name), None)


def read_objects(scene: Scene, *, but: str | None = None) -> list[SceneObject]:
    """All objects of a scene, or all ``but`` one: those first that lose a point to those after them.

    Raises:
        SceneError: one is damaged; the sentence names it.
    """
    folders = [folder for folder in object_folders(scene) if but is None or name_in(folder) != but]
    return sorted((read_object(scene, folder) for folder in folders), key=lambda item: item.order)


def read_object(scene: Scene, folder: Path) -> SceneObject:
    """Read one object of ``scene``; its arrays are in memory, none of its files stays mapped.

    Raises:
        SceneError: the object is damaged.
    """
    try:
        data = read_json(folder / "object.json")
        groups = _groups_of(data)
        answers = read_packed(folder / "groups.npy") if len(groups) > 1 else ()
        shared: Shared = "leave" if data.get("shared") == "leave" else "take"
        return SceneObject(
            name=str(data["name"]),
            groups=groups,
            masks=_read_masks(scene, folder, "masks"),
            points=_read_masks(scene, folder, "points"),
            order=int(data.get("order", OLDEST)),
            shared=shared,
            answers=tuple(PackedViews(scene, answer) for answer in answers),
            segmenter=str(data.get("segmenter", "")),
            version=version_of(folder),
        )
    except (KeyError, TypeError, ValueError, PromptError, SceneError) as error:
        raise SceneError(
            f"The object in {folder} is damaged ({error}): segment it again, or remove it."
        ) from error


def write_object(scene: Scene, item: SceneObject) -> Path:
    """Write an object into the scene folder, replacing the one of the same name; returns its folder.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    check_there(scene)
    folder = folder_for(scene, item.name)
    with replacing_folder(folder) as partial:
        np.save(partial / "masks.npy", pack_views(scene, item.masks))
        np.save(partial / "points.npy", pack_views(scene, item.points))
        if len(item.groups) > 1:
            np.save(partial / "groups.npy", np.stack([pack_views(scene, answer) for answer in item.answers]))
        data = {
            "name": item.name,
            "groups": [group_to_json(group) for group in item.groups],
            "order": item.order,
            "shared": item.shared,
            "segmenter": item.segmenter,
        }
        data["version"] = _digest(partial, data)
        write_object_json(partial, data)
    return folder


def write_object_json(folder: Path, data: Mapping[str, Any]) -> None:
    """Write an object's ``object.json`` into a folder that is being made."""
    (folder / "object.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def version_of(folder: Path) -> str:
    """The version of the object in ``folder``: equal for objects that differ in nothing but the name.

    Raises:
        SceneError: its files cannot be read.
    """
    data = read_json(folder / "object.json")
    known = data.get("version")
    return known if isinstance(known, str) and known.isalnum() else _digest(folder, data)


def remove_object(scene: Scene, name: str) -> None:
    """Delete the object of that name; the points it had taken from others are theirs again.

    Raises:
        SceneError: there is none, or it cannot be deleted.
    """
    folder = _known_folder(scene, name)
    gone = folder.with_name(f".{folder.name}.removed-{uuid.uuid4().hex[:8]}")
    try:
        folder.replace(gone)  # at once and whole; deleting takes several steps
    except OSError as error:
        raise SceneError(
            f"{name} could not be removed from {folder.parent} ({error.strerror}): check your permissions."
        ) from error
    shutil.rmtree(gone, ignore_errors=True)


def rename_object(scene: Scene, name: str, new_name: str) -> None:
    """Call the object of that name something else; all else about it stays.

    Raises:
        SceneError: there is none, another has the new name, or it cannot be written.
    """
    folder = _known_folder(scene, name)
    if name == new_name:
        return
    if object_folder(scene, new_name) is not None:
        raise SceneError(f"There is an object named {new_name!r} already: choose another name.")
    data = {**read_json(folder / "object.json"), "name": new_name, "version": version_of(folder)}
    partial = folder / f".object.partial-{uuid.uuid4().hex[:8]}"
    try:
        partial.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        partial.replace(folder / "object.json")
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SceneError(
            f"{name} could not be renamed in {folder} ({error.strerror}): check the permissions there."
        ) from error


def _known_folder(scene: Scene, name: str) -> Path:
    check_there(scene)
    folder = object_folder(scene, name)
    if folder is None:
        raise SceneError(f"There is no object named {name!r} in this scene.")
    return folder


def folder_for(scene: Scene, name: str) -> Path:
    """The folder of the object of that name, or a free one whose name resembles it."""
    folder = object_folder(scene, name)
    root = scene.folder / "objects"
    number = 1
    while folder is None:
        candidate = root / (file_stem(name) if number == 1 else f"{file_stem(name)}_{number}")
        # A folder without its object.json was left half by another program: it is replaced.
        folder = None if (candidate / "object.json").is_file() else candidate
        number += 1
    return folder


def _digest(folder: Path, data: Mapping[str, Any]) -> str:
    said = {key: value for key, value in data.items() if key not in ("name", "version")}
    digest = hashlib.sha1(json.dumps(said, sort_keys=True).encode(), usedforsecurity=False)
    try:
        for file in sorted(folder.rglob("*.npy")):
            digest.update(file.relative_to(folder).as_posix().encode())
            digest.update(file.read_bytes())
    except OSError as error:
        raise SceneError(f"The object in {folder} cannot be read ({error.strerror}).") from error
    return digest.hexdigest()


def name_in(folder: Path) -> str | None:
    """The name in an object's folder; None where it cannot be read."""
    try:
        name = read_json(folder / "object.json").get("name")
    except SceneError:
        return None
    return name if isinstance(name, str) else None


def _groups_of(data: Mapping[str, Any]) -> tuple[PromptGroup, ...]:
    if "groups" in data:
        return tuple(group_from_json(item) for item in data["groups"])
    return one_group([prompt_from_json(item) for item in data["prompts"]])


def _read_masks(scene: Scene, folder: Path, kind: str) -> ViewMasks:
    earlier = folder / kind
    if earlier.is_dir():
        shapes = {view.name: view.size[::-1] for view in scene.views}
        return {name: np.array(read_array(earlier / f"{name}.npy", shape)) for name, shape in shapes.items()}
    return PackedViews(scene, read_packed(folder / f"{kind}.npy"))
