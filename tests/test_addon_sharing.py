# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of objects, larger and smaller, and objects that never share a point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blender_reading import read_attribute
from tests.scenes.awkward import FLOOR, WALL, surface
from wildseg3d_blender.errors import PromptError, SceneError
from wildseg3d_blender.prompts import Click, PromptGroup, one_group
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import SceneObject, object_folder, read_objects, write_object


def _write(scene: Scene, name: str, masks: dict[str, np.ndarray], order: int, x: float = 40.0) -> None:
    points = {view.name: masks[view.name] & (scene.confidence(view) > 0) for view in scene.views}
    write_object(scene, SceneObject(name, one_group([Click("wide", x, 30.0)]), masks, points, order))


def _shown(scene: Scene, what: int) -> dict[str, np.ndarray]:
    return {view.name: surface(view, what) for view in scene.views}


def _left(scene: Scene) -> dict[str, np.ndarray]:
    """The left two thirds of each photo: some of the wall and some of the floor."""
    found = {}
    for view in scene.views:
        width, height = view.size
        found[view.name] = np.broadcast_to(np.arange(width) < width * 2 // 3, (height, width)).copy()
    return found


def _pixels(item: Any) -> set[tuple[int, int]]:
    view = read_attribute(item.data, "view", "value", 1, np.int32)
    pixel = read_attribute(item.data, "pixel", "value", 1, np.int32)
    found = set(zip(view.tolist(), pixel.tolist(), strict=True))
    assert len(found) == len(view), "a point twice in one mesh"
    return found


def _of(scene: Scene, masks: dict[str, np.ndarray]) -> set[tuple[int, int]]:
    return {
        (index, int(pixel))
        for index, view in enumerate(scene.views)
        for pixel in np.flatnonzero((masks[view.name] & (scene.confidence(view) > 0)).ravel())
    }


def _assert_none_shared(scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup

    found = [pixel for item in lookup.point_objects(root) for pixel in _pixels(item)]
    assert len(found) == len(set(found))
    everything = {view.name: np.ones(view.size[::-1], bool) for view in scene.views}
    assert set(found) == _of(scene, everything)


def test_opening_a_scene_splits_by_ownership(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing

    _write(scene, "Floor", _shown(scene, FLOOR), order=1)
    _write(scene, "Left", _left(scene), order=2)
    root = importing.import_scene(blender.context.scene, scene.folder)
    left, floor = _of(scene, _left(scene)), _of(scene, _shown(scene, FLOOR))
    assert _pixels(blender.data.objects["Left"]) == left
    assert _pixels(blender.data.objects["Floor"]) == floor - left
    _assert_none_shared(scene, root)


def test_a_removed_object_gives_points_to_whom_they_belong(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing, lookup

    _write(scene, "Floor", _shown(scene, FLOOR), order=1)
    _write(scene, "Left", _left(scene), order=2)
    root = importing.import_scene(blender.context.scene, scene.folder)
    blender.ops.ed.undo_push(message="before")
    assert blender.ops.wildseg3d.object_remove(name="Left") == {"FINISHED"}
    blender.ops.ed.undo_push(message="remove")
    assert _pixels(blender.data.objects["Floor"]) == _of(scene, _shown(scene, FLOOR))
    assert object_folder(scene, "Left") is None and "Left" not in blender.data.objects
    _assert_none_shared(scene, root)

    # Undone, it is back in Blender; the scene folder gets it again with the next Segment. Until then it
    # keeps what it has.
    blender.ops.ed.undo()
    root = lookup.active_root(blender.context.scene)
    left = _of(scene, _left(scene))
    assert _pixels(blender.data.objects["Left"]) == left
    from wildseg3d_blender.addon.scene import splitting

    splitting.settle(scene, root)
    assert len(_pixels(blender.data.objects["Left"]) | left) == len(left)
    _assert_none_shared(scene, root)


def test_a_corrected_object_gives_points_back(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import groups, importing, reading, splitting

    _write(scene, "Floor", _shown(scene, FLOOR), order=1)
    _write(scene, "Left", _left(scene), order=2)
    root = importing.import_scene(blender.context.scene, scene.folder)
    # Segment found the wall's part of it to be enough.
    walls = {name: mask & _shown(scene, WALL)[name] for name, mask in _left(scene).items()}
    _write(scene, "Left", walls, order=2, x=41.0)
    splitting.settle(scene, root, ["Left"])
    assert _pixels(blender.data.objects["Left"]) == _of(scene, walls)
    assert _pixels(blender.data.objects["Floor"]) == _of(scene, _shown(scene, FLOOR))
    _assert_none_shared(scene, root)

    # What Blender has undone claims what it has there, not what the scene folder says.
    groups.find(root, "Left").applied = reading.digest(one_group([Click("wide", 7.0, 7.0)]))
    _write(scene, "Left", _left(scene), order=2)
    splitting.settle(scene, root)
    assert _pixels(blender.data.objects["Left"]) == _of(scene, walls)
    with pytest.raises(SceneError, match="no object named 'Right'"):
        splitting.settle(scene, root, ["Right"])


def test_an_object_that_others_own_whole_is_refused_and_nothing_changes(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import groups, importing, splitting

    _write(scene, "Floor", _shown(scene, FLOOR), order=1)
    root = importing.import_scene(blender.context.scene, scene.folder)
    groups.add(root, "Rug")
    _write(scene, "Rug", _shown(scene, FLOOR), order=0)
    before = _pixels(blender.data.objects["Floor"])
    with pytest.raises(PromptError, match="other objects own the points"):
        splitting.settle(scene, root, ["Rug"])
    assert _pixels(blender.data.objects["Floor"]) == before and "Rug" not in blender.data.objects


def test_a_mesh_deleted_in_the_viewport_comes_back_with_segment(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing, splitting

    _write(scene, "Floor", _shown(scene, FLOOR), order=1)
    root = importing.import_scene(blender.context.scene, scene.folder)
    for item in blender.context.selected_objects:
        item.select_set(False)
    blender.data.objects["Floor"].select_set(True)
    blender.ops.object.delete()
    splitting.settle(scene, root, ["Floor"])
    assert _pixels(root.wildseg3d.groups[0].object) == _of(scene, _shown(scene, FLOOR))
    assert root.wildseg3d.groups[0].object.name == "Floor"
    _assert_none_shared(scene, root)


def test_parts_by_operator_and_by_function(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import groups, importing, lookup, parts, prompting, reading

    root = importing.import_scene(blender.context.scene, scene.folder)
    assert not blender.ops.wildseg3d.part_add.poll()  # the object itself comes first
    blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300, object="Mug")
    blender.ops.wildseg3d.part_add()
    blender.ops.wildseg3d.part_add(subtract=True)  # the one before had no prompts and makes way
    blender.ops.wildseg3d.prompt_add(view="wide", x=600, y=300)
    blender.ops.wildseg3d.prompt_add(view="tall", x=300, y=500, positive=False)
    blender.ops.wildseg3d.prompt_add(view="plain", x=300, y=300, part=parts.WHOLE)

    groups.add(root, "Jug")
    prompting.add_click(root, "wide", (500, 300))
    made = parts.add(groups.active(root), subtract=True)
    prompting.add_click(root, "wide", (600, 300))
    prompting.add_click(root, "tall", (300, 500), positive=False, part=made.number)
    prompting.add_click(root, "plain", (300, 300), part=parts.WHOLE)
    by_operator, by_function = (reading.read_groups(scene, root, name) for name in ("Mug", "Jug"))
    assert by_operator == by_function
    assert [group.subtract for group in by_operator] == [False, True]
    assert [len(group.prompts) for group in by_operator] == [2, 2]

    # Green is what the object gets, red is what it does not.
    whole, away, stays, _ = sorted(lookup.prompts(root, "Mug"), key=lambda item: item.wildseg3d.number)
    assert [item.color[1] > item.color[0] for item in (whole, away, stays)] == [True, False, True]
    assert away.wildseg3d.positive and "-" in away.name

    groups.add(root, "Vase")
    with pytest.raises(RuntimeError, match="Show Vase itself first"):
        blender.ops.wildseg3d.part_add()
    blender.ops.wildseg3d.part_remove(object="Jug")
    assert len(reading.read_groups(scene, root, "Jug")) == 1
    assert len(lookup.prompts(root, "Jug")) == 2
    with pytest.raises(RuntimeError, match="That is Mug itself"):
        blender.ops.wildseg3d.part_remove(object="Mug", part=parts.WHOLE)
    with pytest.raises(RuntimeError, match="Mug has no part 9"):
        blender.ops.wildseg3d.prompt_add(view="wide", x=600, y=300, object="Mug", part=9)


def test_larger_and_smaller_are_kept_in_the_file_and_undone(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing, lookup, reading

    root = importing.import_scene(blender.context.scene, scene.folder)
    assert not blender.ops.wildseg3d.larger.poll()
    blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300, object="Mug")
    blender.ops.ed.undo_push(message="prompt")
    before = reading.digest(reading.read_groups(scene, root, "Mug"))
    blender.ops.wildseg3d.larger()
    blender.ops.ed.undo_push(message="larger")
    root = lookup.active_root(blender.context.scene)
    larger = reading.read_groups(scene, root, "Mug")
    assert [group.size for group in larger] == [1] and reading.digest(larger) != before
    blender.ops.ed.undo()
    root = lookup.active_root(blender.context.scene)
    assert reading.digest(reading.read_groups(scene, root, "Mug")) == before
    blender.ops.wildseg3d.smaller()
    assert [group.size for group in reading.read_groups(scene, root, "Mug")] == [-1]


def test_parts_and_sizes_come_back_from_the_scene_folder(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import groups, importing, reading

    given = (
        PromptGroup((Click("wide", 50.0, 30.0),), size=1),
        PromptGroup((Click("wide", 60.0, 30.0), Click("tall", 30.0, 50.0, False)), subtract=True),
    )
    masks = _shown(scene, FLOOR)
    points = {view.name: masks[view.name] & (scene.confidence(view) > 0) for view in scene.views}
    answers = (masks, {name: np.zeros_like(mask) for name, mask in masks.items()})
    write_object(scene, SceneObject("Floor", given, masks, points, 1, "leave", answers))
    root = importing.import_scene(blender.context.scene, scene.folder)
    read = reading.read_groups(scene, root, "Floor")
    assert reading.digest(read) == reading.digest(given)
    item = groups.find(root, "Floor")
    assert item.shared == "LEAVE" and item.applied == reading.digest(read)
    assert [(part.subtract, part.size) for part in item.parts] == [(False, 1), (True, 0)]


def test_renaming_reaches_the_scene_folder(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing

    _write(scene, "Floor", _shown(scene, FLOOR), order=1)
    root = importing.import_scene(blender.context.scene, scene.folder)
    root.wildseg3d.groups[0].name = "Ground"
    assert [item.name for item in read_objects(scene)] == ["Ground"]
    assert blender.data.objects["Ground"].wildseg3d.role == "OBJECT"
