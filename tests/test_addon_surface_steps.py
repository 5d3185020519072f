# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces are made in steps that can be left off anywhere, and their meshes are as Blender makes them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests.blender_reading import read_attribute
from tests.steps_taken import advance, whole
from wildseg3d_blender.errors import SceneError


def _there(bpy: Any) -> tuple[list[str], list[str], list[bool]]:
    objects = list(bpy.data.objects)
    return (
        [item.name for item in objects],
        [item.name for item in bpy.data.meshes],
        [item.hide_get() for item in objects],
    )


@pytest.mark.parametrize("kind", ["Photos", "Closed"])
def test_a_surface_stopped_at_any_step_leaves_nothing(
    blender: Any, root: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from wildseg3d_blender.addon.scene import in_parts, surfaces

    monkeypatch.setattr(in_parts, "TURN", 1e9)
    how = surfaces.Photos(step=4) if kind == "Photos" else surfaces.Closed(detail=16)
    before = _there(blender)
    for count in itertools.count(1):
        work = surfaces.making(root.name, "", how)
        if not advance(work, count):
            break
        work.close()
        assert _there(blender) == before, f"step {count}"
    assert count > 8
    assert f"{root.name} Surface" in _there(blender)[0]


def test_parts_tell_how_far_they_are_and_give_their_result(
    blender: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wildseg3d_blender.addon.scene import in_parts
    from wildseg3d_blender.addon.scene.steps import Pause

    def counting() -> in_parts.Parts[str]:
        yield 0.25
        yield from in_parts.scaled((half for half in (0.0, 0.5)), 0.5, 1.0)
        return "done"

    monkeypatch.setattr(in_parts, "TURN", 0.0)
    assert whole(counting()) == "done"
    fractions, work, answer = [], in_parts.beside(counting(), "Counting"), None
    with pytest.raises(StopIteration) as ended:
        while True:
            step = work.send(answer)
            answer = None if isinstance(step, Pause) else step.compute()
            fractions += [step.fraction] if isinstance(step, Pause) else []
    assert ended.value.value == "done" and fractions == [0.25, 0.5, 0.75]


def test_points_that_change_while_they_are_read_are_noticed(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup, surfaces

    work = surfaces.making(root.name, "", surfaces.Photos())
    assert advance(work, 2)
    lookup.points(root).data.clear_geometry()
    with pytest.raises(SceneError, match="changed meanwhile"):
        advance(work, 10)


@pytest.mark.parametrize("settings", [{"step": 3}, {"kind": "MERGED", "detail": 20}])
def test_edges_are_those_that_blender_would_make(blender: Any, root: Any, settings: dict[str, Any]) -> None:
    blender.ops.wildseg3d.make_surface(**settings)
    mesh = blender.context.object.data
    again = mesh.copy()
    assert not again.validate(verbose=True)
    again.update(calc_edges=True)
    assert _edges(mesh) == _edges(again) and len(mesh.edges) == len(_edges(mesh))
    loops = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("edge_index", loops)
    ends = read_attribute(mesh, ".edge_verts", "value", 2, np.int32)[loops]
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    assert (ends == corners[:, None]).any(axis=1).all()


def _edges(mesh: Any) -> set[tuple[int, int]]:
    return {tuple(sorted(edge.vertices)) for edge in mesh.edges}
