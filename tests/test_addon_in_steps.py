# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work in steps: stopped anywhere it leaves nothing half made, and what it makes is whole."""

from __future__ import annotations

import itertools
import shutil
import threading
from typing import Any

import numpy as np
import pytest

from tests.blender_reading import read_attribute
from tests.cut_out import split_object
from tests.scenes.awkward import FLOOR, WALL, surface
from tests.steps_taken import advance
from wildseg3d_blender.errors import Cancelled, SceneError
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene, read_scene
from wildseg3d_blender.scene.objects import SceneObject, write_object
from wildseg3d_blender.scene.rewriting import rewriting_geometry


@pytest.fixture
def root(root: Any) -> Any:
    """With a floor in the list."""
    from wildseg3d_blender.addon.scene import groups

    groups.add(root, "Floor")
    return root


def _write(scene: Scene, what: int, name: str) -> None:
    points = {view.name: surface(view, what) & (scene.confidence(view) > 0) for view in scene.views}
    prompts = one_group([Click("wide", 60.0, 60.0)])
    write_object(scene, SceneObject(name, prompts, points, points))


def _everything(bpy: Any) -> dict[str, list[str]]:
    kinds = ("objects", "meshes", "cameras", "collections", "images", "scenes")
    found = {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in kinds}
    found["shown"] = sorted(item.name for item in bpy.context.scene.objects)
    return found


def _identities(bpy: Any) -> dict[str, list[tuple[int, int]]]:
    found = {}
    for item in bpy.context.scene.objects:
        if item.wildseg3d.role in ("POINTS", "OBJECT"):
            columns = (read_attribute(item.data, name, "value", 1, np.int32) for name in ("view", "pixel"))
            found[item.name] = sorted(zip(*(column.tolist() for column in columns), strict=True))
    return found


def _positions(bpy: Any) -> dict[tuple[int, int], tuple[float, ...]]:
    """(view, pixel) -> position in the root's space."""
    found = {}
    for item in bpy.context.scene.objects:
        if item.wildseg3d.role in ("POINTS", "OBJECT"):
            view, pixel = (
                read_attribute(item.data, name, "value", 1, np.int32) for name in ("view", "pixel")
            )
            position = read_attribute(item.data, "position", "vector", 3, np.float32)
            position = position + np.array(item.wildseg3d.origin, np.float32)
            keys = zip(view.tolist(), pixel.tolist(), strict=True)
            found.update(zip(keys, map(tuple, position.tolist()), strict=True))
    return found


def _together(identities: dict[str, list[tuple[int, int]]]) -> list[tuple[int, int]]:
    return sorted(itertools.chain.from_iterable(identities.values()))


def test_an_import_stopped_at_any_step_leaves_nothing(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing

    _write(scene, FLOOR, "Floor")
    before = _everything(blender)
    for count in itertools.count(1):
        work = importing.importing(blender.context.scene.name, scene.folder)
        if not advance(work, count):
            break
        assert _everything(blender)["shown"] == before["shown"], f"something showed at step {count}"
        work.close()
        assert _everything(blender) == before, f"something stayed at step {count}"
    assert count > 15
    assert "Floor" in _identities(blender)


def test_an_import_goes_on_while_something_else_is_edited(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing, lookup

    blender.ops.wm.read_factory_settings(use_empty=False)
    blender.ops.object.mode_set(mode="EDIT")
    root = importing.import_scene(blender.context.scene, scene.folder)
    assert blender.context.mode == "EDIT_MESH"
    assert lookup.points(root).data.attributes["colour"].data_type == "BYTE_COLOR"


def test_an_import_that_is_undone_midway_says_so(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing

    for count in (2, 4, 8, 12):
        before = _everything(blender)
        work = importing.importing(blender.context.scene.name, scene.folder)
        assert advance(work, count)
        for kind in ("objects", "collections", "meshes"):  # as undo would
            new = [item for item in getattr(blender.data, kind) if item.name not in before[kind]]
            blender.data.batch_remove(new)
        with pytest.raises(SceneError, match="undone meanwhile"):
            advance(work, 100)
        assert _everything(blender) == before


@pytest.mark.parametrize(("at_once", "steps"), [(1_000_000, 4), (1, 5)])
def test_a_split_stopped_at_any_step_changes_nothing(
    blender: Any, scene: Scene, root: Any, monkeypatch: pytest.MonkeyPatch, at_once: int, steps: int
) -> None:
    from wildseg3d_blender.addon.scene import dealing, splitting

    monkeypatch.setattr(dealing, "MOST_AT_ONCE", at_once)
    _write(scene, FLOOR, "Floor")
    before, all_points = _everything(blender), _identities(blender)
    for count in itertools.count(1):
        work = splitting.settling(scene, root.name, ["Floor"])
        if not advance(work, count):
            break
        work.close()
        assert (_everything(blender), _identities(blender)) == (before, all_points), f"step {count}"
    assert count == steps + 1
    after = _identities(blender)
    assert _together(after) == _together(all_points)
    assert len(after["Floor"]) > 1000


def test_an_alignment_stopped_at_any_step_changes_nothing(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import realigning

    floor = {view.name: surface(view, FLOOR) for view in scene.views}
    split_object(scene, root, "Floor", floor)
    measured = realigning.measured(scene)
    pointmaps = {view.name: scene.pointmap(view) + np.float32(0.5) for view in scene.views}
    confidence = {view.name: np.array(scene.confidence(view)) for view in scene.views}
    confidence["wide"][10:20, 30:40], confidence["wide"][50:60, :5] = 0.0, 1.0
    with rewriting_geometry(scene, pointmaps=pointmaps, confidence=confidence):
        pass
    before, points = _everything(blender), _positions(blender)
    for count in itertools.count(1):
        work = realigning.refreshing(root.name, measured)
        if not advance(work, count):
            break
        work.close()
        assert _everything(blender) == before, f"something stayed at step {count}"
        assert _positions(blender) == points, f"something moved at step {count}"
    assert count > 10
    after = _positions(blender)
    gone, new = points.keys() - after.keys(), after.keys() - points.keys()
    assert (len(gone), len(new)) == (100, 50)
    moved = [np.subtract(after[key], points[key]) for key in after.keys() & points.keys()]
    assert np.allclose(moved, 0.5, atol=1e-5)


def test_points_deleted_between_two_steps_are_noticed(blender: Any, scene: Scene, root: Any) -> None:
    import bmesh

    from wildseg3d_blender.addon.scene import lookup, splitting

    _write(scene, FLOOR, "Floor")
    work = splitting.settling(scene, root.name, ["Floor"])
    assert advance(work, 3)
    mesh = lookup.points(root).data
    shape = bmesh.new()
    shape.from_mesh(mesh)
    shape.verts.ensure_lookup_table()
    bmesh.ops.delete(shape, geom=shape.verts[:10], context="VERTS")
    shape.to_mesh(mesh)
    shape.free()
    left = _identities(blender)
    with pytest.raises(SceneError, match="changed meanwhile"):
        advance(work, 10)
    assert _identities(blender) == left


def test_a_split_carries_every_kind_of_attribute_and_what_else_the_mesh_has(
    blender: Any, scene: Scene, root: Any
) -> None:
    from wildseg3d_blender.addon.scene import lookup, splitting

    rest = lookup.points(root)
    twin = blender.data.objects.new("Twin", rest.data)
    blender.context.scene.collection.objects.link(twin)
    count = len(rest.data.vertices)
    numbers = np.arange(count * 16, dtype=np.float32)
    rest.data.attributes.new("matrix", "FLOAT4X4", "POINT").data.foreach_set("value", numbers)
    rest.data.attributes.new("number", "INT", "POINT").data.foreach_set(
        "value", np.arange(count, dtype=np.int32)
    )
    rest.data.materials.append(blender.data.materials.new("Mine"))
    rest.data["note"] = "kept"
    name = rest.data.name
    points = {view.name: surface(view, FLOOR) for view in scene.views}
    floor = split_object(scene, root, "Floor", points)
    for mesh in (rest.data, floor.data):
        rows = read_attribute(mesh, "number", "value", 1, np.int32)
        matrices = read_attribute(mesh, "matrix", "value", 16, np.float32)
        assert len(rows) and np.array_equal(matrices, numbers.reshape(-1, 16)[rows])
        assert {item.name for item in mesh.attributes if "wildseg3d" in item.name} == set()
    assert twin.data == rest.data and rest.data.name == name
    assert [item.name for item in rest.data.materials][-1] == "Mine" and rest.data["note"] == "kept"
    splitting.merge_back(root, "Floor")
    assert sorted(read_attribute(rest.data, "number", "value", 1, np.int32).tolist()) == list(range(count))


def test_all_points_taken_and_given_back(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import groups, lookup, splitting

    everything = _together(_identities(blender))
    pixels = {view.name: np.ones(view.size[::-1], np.bool_) for view in scene.views}
    split_object(scene, root, "Floor", pixels)
    rest = lookup.points(root)
    assert len(rest.data.vertices) == 0 and rest.data.attributes["pixel"].data_type == "INT"
    groups.add(root, "Wall")
    walls = {view.name: surface(view, WALL) for view in scene.views}
    split_object(scene, root, "Wall", walls)
    splitting.merge_back(root, "Floor")
    splitting.merge_back(root, "Wall")
    assert _identities(blender) == {rest.name: everything}


def test_folders_without_normals_come_in_alike(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing, lookup

    values = []
    for _ in range(2):
        mesh = lookup.points(importing.import_scene(blender.context.scene, scene.folder)).data
        normal = read_attribute(mesh, "normal", "vector", 3, np.float32)
        values.append(np.column_stack([normal, read_attribute(mesh, "size", "value", 1, np.float32)]))
        for folder in ("normals", "sizes"):
            shutil.rmtree(scene.folder / folder, ignore_errors=True)
    assert np.array_equal(*values) and np.allclose(np.linalg.norm(values[0][:, :3], axis=1), 1.0, atol=1e-5)


def test_pixels_without_a_place_are_left_out(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing, lookup

    pointmaps = {view.name: np.array(scene.pointmap(view)) for view in scene.views}
    confidence = {view.name: np.array(scene.confidence(view)) for view in scene.views}
    pointmaps["wide"][30:40, 50:60] = np.nan
    count = sum(int((array > 0).sum()) for array in confidence.values())
    with rewriting_geometry(scene, pointmaps=pointmaps, confidence=confidence):
        pass
    for without in ((), ("normals", "sizes")):
        for folder in without:
            shutil.rmtree(scene.folder / folder)
        root = importing.import_scene(blender.context.scene, scene.folder)
        mesh = lookup.points(root).data
        assert len(mesh.vertices) == count - 100
        assert np.isfinite(read_attribute(mesh, "position", "vector", 3, np.float32)).all()


class _Probe:
    """A task: a step aside, then pauses until it is told to stop, and a warning."""

    def __init__(self) -> None:
        from wildseg3d_blender.addon.tasks.driving import Run

        self.threads: list[str] = []
        self.warnings: list[str] = []
        self.cleaned = False
        self.run = Run(self._work(), "Probe", self.warnings.append)

    def _work(self) -> Any:
        from wildseg3d_blender.addon.scene.steps import Aside, Pause
        from wildseg3d_blender.addon.tasks.driving import Warn

        try:
            self.threads.append((yield Aside(lambda: threading.current_thread().name, "Thinking")))
            for number in range(3):
                yield Pause(number / 3, "Making")
            yield Warn("Look out.")
            return "Made."
        finally:
            self.cleaned = True


def test_blenders_own_steps_count_as_a_job_until_they_are_done(blender: Any) -> None:
    from wildseg3d_blender.addon.session import runtime

    probe = _Probe()
    probe.run.begin()
    job = runtime.current_job()
    assert job is probe.run.job and not probe.run.waits
    assert job.title == "Probe" and job.text == "Thinking"
    while not probe.threads:
        probe.run.go_on(0.0)
    assert runtime.current_job().text == "Making" and not probe.warnings
    for _ in range(10):
        probe.run.go_on(0.0)
    assert not probe.run.running and runtime.current_job() is None
    assert probe.run.text == "Made." and probe.warnings == ["Look out."] and probe.cleaned
    assert probe.threads[0] != threading.current_thread().name


def test_a_cancelled_job_of_blenders_own_cleans_up(blender: Any) -> None:
    from wildseg3d_blender.addon.session import runtime

    probe = _Probe()
    probe.run.begin()
    assert runtime.cancel()
    with pytest.raises(Cancelled):
        probe.run.go_on(0.0)
    probe.run.stop()
    assert runtime.current_job() is None and probe.cleaned and not probe.run.text


def test_reconstructing_again_puts_the_earlier_one_away(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import importing, replacing, splitting

    first = root.name
    meshes = len(blender.data.meshes)
    second = importing.import_scene(blender.context.scene, scene.folder)
    assert replacing.retire_earlier(blender.context.scene, second) == []
    assert first not in blender.data.objects and len(blender.data.meshes) == meshes
    assert [item for item in blender.data.collections if not item.all_objects] == []

    _write(scene, FLOOR, "Floor")
    third = importing.import_scene(blender.context.scene, scene.folder)
    splitting.settle(scene, third, ["Floor"])
    second_name = second.name
    replacing.retire_earlier(blender.context.scene, third)
    assert second_name not in blender.data.objects
    fourth = importing.import_scene(blender.context.scene, read_scene(scene.folder).folder)
    assert replacing.retire_earlier(blender.context.scene, fourth) == [third.name]
    assert all(item.hide_viewport and item.hide_render for item in (third, *third.children_recursive))
    assert not fourth.hide_viewport


def test_the_startup_cube_steps_aside_only_when_nobody_touched_it(blender: Any, scene: Scene) -> None:
    for touched in (False, True):
        blender.ops.wm.read_factory_settings(use_empty=False)
        cube = blender.data.objects["Cube"]
        if touched:
            cube.location.x = 1.0
        blender.ops.wildseg3d.open_scene(directory=str(scene.folder))
        assert blender.data.objects["Cube"].hide_get() is not touched
        assert blender.data.objects["Cube"].hide_render is not touched
