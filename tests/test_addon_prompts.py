# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts as Empties: what is placed is read back, moved ones count where they are, bad ones are refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scenes.awkward import hit
from wildseg3d_blender.errors import PromptError
from wildseg3d_blender.prompts import Box, Click
from wildseg3d_blender.scene.folder import Scene


@pytest.mark.parametrize(
    ("view", "x", "y"), [("wide", 500.0, 300.0), ("tall", 433.3, 871.9), ("plain", 790.0, 20.0)]
)
def test_a_click_is_read_back_at_its_pixel(
    blender: Any, scene: Scene, root: Any, view: str, x: float, y: float
) -> None:
    from wildseg3d_blender.addon.scene import prompting, reading

    item = prompting.add_click(root, view, (x, y), group="Vase")
    read = reading.read(scene, root, item)
    assert isinstance(read, Click) and read.positive and read.view == view
    assert np.allclose(scene.view(view).warp.to_photo(np.array([read.x, read.y])), [x, y], atol=0.01)


def test_the_empty_lies_on_the_surface_it_hit(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import prompting

    view = scene.view("wide")
    item = prompting.add_click(root, "wide", (500, 300))
    blender.context.view_layer.update()
    truth = hit(view, view.warp.to_view(np.array([500.0, 300.0])))[0]
    assert item.parent == blender.data.objects["wide"]
    assert item.type == "EMPTY"
    # Depth is that of the pixel's centre; within the pixel the surface may slope.
    assert np.linalg.norm(np.array(item.matrix_world.translation) - truth) < 0.03
    assert item.wildseg3d.on_surface


def test_where_nothing_was_measured_it_floats_at_a_typical_depth_and_says_so(
    blender: Any, scene: Scene, root: Any
) -> None:
    from wildseg3d_blender.addon.scene import prompting, reading

    item = prompting.add_click(root, "wide", (40, 300))
    view = scene.view("wide")
    read = reading.read(scene, root, item)
    assert not item.wildseg3d.on_surface
    assert np.allclose(view.warp.to_photo(np.array([read.x, read.y])), [40, 300], atol=0.01)
    measured = scene.confidence(view) > 0
    depth = (scene.pointmap(view) - view.cam_to_world[:3, 3]) @ view.cam_to_world[:3, 2]
    assert -item.location.z == pytest.approx(float(np.median(depth[measured])), rel=1e-4)


def test_an_empty_moved_by_hand_counts_where_it_is(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import prompting, reading

    item = prompting.add_click(root, "plain", (400, 300))
    view = scene.view("plain")
    before = reading.read(scene, root, item)
    depth = -item.location.z
    item.location.x += 8.0 / view.K[0, 0] * depth
    item.location.y -= 5.0 / view.K[1, 1] * depth
    after = reading.read(scene, root, item)
    assert (after.x - before.x, after.y - before.y) == pytest.approx((8.0, 5.0), abs=1e-3)
    # Along its ray it may lie anywhere, and the root may be scaled and turned.
    item.location *= 0.6
    root.scale, root.rotation_euler = (3.0, 3.0, 3.0), (0.3, 0.2, 0.1)
    blender.context.view_layer.update()
    again = reading.read(scene, root, item)
    assert (again.x, again.y) == pytest.approx((after.x, after.y), abs=1e-3)


def test_a_prompt_taken_off_its_camera_still_counts_where_it_is(
    blender: Any, scene: Scene, root: Any
) -> None:
    from wildseg3d_blender.addon.scene import prompting, reading

    root.scale = (2.0, 2.0, 2.0)
    item = prompting.add_click(root, "tall", (300, 600))
    blender.context.view_layer.update()
    before, world = reading.read(scene, root, item), item.matrix_world.copy()
    item.parent = root
    item.matrix_world = world
    blender.context.view_layer.update()
    after = reading.read(scene, root, item)
    assert (after.x, after.y) == pytest.approx((before.x, before.y), abs=1e-3)


def test_a_box_is_read_back_and_follows_its_empty(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import prompting, reading

    item = prompting.add_box(root, "tall", (500, 700), (300, 450))
    view = scene.view("tall")
    corners = view.warp.to_view(np.array([[300.0, 450.0], [500.0, 700.0]])).ravel()
    read = reading.read(scene, root, item)
    assert isinstance(read, Box)
    assert np.allclose([read.x0, read.y0, read.x1, read.y1], corners, atol=1e-3)
    item.scale.x *= 0.5
    narrow = reading.read(scene, root, item)
    assert narrow.x1 - narrow.x0 == pytest.approx((corners[2] - corners[0]) / 2, abs=1e-3)
    item.location.x = -0.5 * view.size[0] / view.K[0, 0] * -item.location.z
    assert reading.read(scene, root, item).x0 == 0.0


def test_order_sign_and_group_are_kept(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup, reading

    operator = blender.ops.wildseg3d.prompt_add
    assert operator(view="wide", x=600, y=300, object="Vase") == {"FINISHED"}
    operator(view="tall", x=300, y=500, positive=False)
    operator(view="wide", x=500, y=200, object="Wall")
    operator(view="wide.jpg", x=400, y=100, x2=600, y2=300, object="Vase")
    kinds = [
        (type(prompt).__name__, prompt.view, getattr(prompt, "positive", True))
        for group in reading.read_groups(scene, root, "Vase")
        for prompt in group.prompts
    ]
    assert kinds == [("Click", "wide", True), ("Click", "tall", False), ("Box", "wide", True)]
    assert [group.name for group in root.wildseg3d.groups] == ["Vase", "Wall"]
    plus, minus = lookup.prompts(root, "Vase")[:2]
    assert plus.color[1] > plus.color[0] and minus.color[0] > minus.color[1]
    # As signs they show in their photo only: from elsewhere they would hide what they speak about.
    assert plus.show_empty_image_only_axis_aligned and minus.show_empty_image_only_axis_aligned


def test_prompts_of_an_older_file_are_seen_in_their_photos_only(
    blender: Any, root: Any, tmp_path: Path
) -> None:
    from wildseg3d_blender.addon.scene import lookup, prompting

    prompting.add_click(root, "wide", (500, 300)).show_empty_image_only_axis_aligned = False
    file = str(tmp_path / "older.blend")
    blender.ops.wm.save_as_mainfile(filepath=file)
    blender.ops.wm.open_mainfile(filepath=file)
    (prompt,) = lookup.prompts(lookup.require_root(blender.context.scene))
    assert prompt.show_empty_image_only_axis_aligned


def test_operator_places_what_the_function_places(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import prompting

    by_function = prompting.add_click(root, "plain", (123, 456), positive=False, group="Vase")
    blender.ops.wildseg3d.prompt_add(view="plain", x=123, y=456, positive=False, object="Vase")
    by_operator = blender.data.objects[by_function.name + ".001"]
    assert by_operator.matrix_basis == by_function.matrix_basis
    assert by_operator.parent == by_function.parent
    for name in ("role", "view", "group", "positive", "is_box", "on_surface"):
        assert getattr(by_operator.wildseg3d, name) == getattr(by_function.wildseg3d, name)


def test_a_box_may_end_at_the_edge_of_any_photo(scene: Scene, root: Any) -> None:
    """Where lens correction shows beyond the photo, or leaves some of it out, too."""
    from wildseg3d_blender.addon.scene import aiming, prompting, reading

    for view in scene.views:
        width, height = view.size
        low, high = aiming.Aim(view, (0.0, 0.0)), aiming.Aim(view, (float(width), float(height)))
        item = prompting.add_box(root, view.name, low.photo_pixel, high.photo_pixel)
        box = reading.read(scene, root, item)
        assert isinstance(box, Box)
        assert (box.x0, box.y0) == pytest.approx((0, 0), abs=0.02 * width)
        assert (box.x1, box.y1) == pytest.approx((width, height), abs=0.02 * width)
        outwards = replace(view, warp=replace(view.warp, radial=0.2))
        x, y = aiming.Aim(outwards, high.pixel).photo_pixel
        assert (x, y) == pytest.approx(view.photo_size, abs=0.02 * width)
        assert x <= view.photo_size[0] and y <= view.photo_size[1]


def test_renaming_an_object_takes_its_prompts_along(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup

    blender.ops.wildseg3d.prompt_add(view="wide", x=600, y=300, object="Vase")
    blender.ops.wildseg3d.object_add(name="Vase")
    assert [group.name for group in root.wildseg3d.groups] == ["Vase", "Vase 2"]
    root.wildseg3d.groups[0].name = "Jug"
    assert [item.wildseg3d.group for item in lookup.prompts(root)] == ["Jug"]
    root.wildseg3d.groups[1].name = "Jug"
    assert [group.name for group in root.wildseg3d.groups] == ["Jug", "Jug 2"]


def test_removing_prompts(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup

    for x in (300, 400, 500):
        blender.ops.wildseg3d.prompt_add(view="wide", x=x, y=300, object="Vase")
    first, second, third = (item.name for item in lookup.prompts(root))
    blender.ops.wildseg3d.prompt_remove()
    assert [item.name for item in lookup.prompts(root)] == [first, second]
    blender.ops.wildseg3d.prompt_remove(name=first)
    assert [item.name for item in lookup.prompts(root)] == [second]
    with pytest.raises(RuntimeError, match="no prompt named"):
        blender.ops.wildseg3d.prompt_remove(name=third)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"view": "wide", "x": 1000.0, "y": 300.0},
            r"\(1000, 300\) lies outside the photo wide\.jpg.*960 × 640",
        ),
        ({"view": "wide", "x": 10.0, "y": -1.0}, "lies outside the photo"),
        ({"view": "nowhere", "x": 10.0, "y": 1.0}, "no view named 'nowhere'.*wide, tall, plain"),
        ({"view": "wide", "x": 10.0, "y": 10.0, "x2": 10.2, "y2": 200.0}, "drag it larger"),
    ],
)
def test_prompts_that_do_not_fit_are_refused(
    blender: Any, root: Any, arguments: dict[str, Any], sentence: str
) -> None:
    from wildseg3d_blender.addon.scene import lookup

    with pytest.raises(RuntimeError, match=sentence):
        blender.ops.wildseg3d.prompt_add(**arguments)
    assert lookup.prompts(root) == [] and len(root.wildseg3d.groups) == 0


def test_prompts_moved_out_of_sight_are_refused(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import prompting, reading

    item = prompting.add_click(root, "wide", (500, 300), group="Vase")
    item.location.x += 100.0
    with pytest.raises(PromptError, match="was moved out of the photo wide"):
        reading.read_groups(scene, root, "Vase")
    item.location.z = 1.0
    with pytest.raises(PromptError, match="behind the camera of wide"):
        reading.read_groups(scene, root, "Vase")


def test_a_group_that_only_excludes_is_refused(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import prompting, reading

    prompting.add_click(root, "wide", (500, 300), positive=False, group="Vase")
    with pytest.raises(PromptError, match="Every prompt of Vase excludes"):
        reading.read_groups(scene, root, "Vase")


def test_a_prompt_in_a_photo_without_a_camera_makes_nothing(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup

    view = scene.views[0].name
    blender.data.objects.remove(lookup.camera(root, view))
    before = {item.name for item in blender.data.objects}
    with pytest.raises(RuntimeError, match=r"camera of .* was deleted"):
        blender.ops.wildseg3d.prompt_add(view=view, x=50, y=50, object="Spoon")
    assert {item.name for item in blender.data.objects} == before and not root.wildseg3d.groups
    blender.context.scene.camera = None
    with pytest.raises(RuntimeError, match="Name the photo"):
        blender.ops.wildseg3d.prompt_add(x=50, y=50)


def test_a_scene_folder_that_is_gone_is_said(blender: Any, scene: Scene, root: Any) -> None:
    shutil.rmtree(scene.folder)
    with pytest.raises(RuntimeError, match="is gone: put it back"):
        blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300)
