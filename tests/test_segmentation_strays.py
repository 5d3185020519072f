# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that lie far off an object do not belong to it; what is thin, apart or pointed at does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, write_object_scene
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.lift import Lifting, lift
from wildseg3d_blender.pipeline.segmentation.mask_cache import building
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import (
    MaskCache,
    read_mask_cache,
    scene_stamp,
    write_mask_cache,
)
from wildseg3d_blender.pipeline.segmentation.mask_cache.packed_masks import MaskPacker
from wildseg3d_blender.pipeline.segmentation.strays import pointed_at, strays
from wildseg3d_blender.prompts import Box, Click, PromptGroup, one_group
from wildseg3d_blender.scene.folder import Scene, read_scene

Masks = dict[str, NDArray[np.bool_]]
Points = NDArray[np.float64]

BLOCK = 6
"""Side of the square of pixels on the ball whose depth is wrong."""


def sphere(count: int, radius: float = 1.0) -> Points:
    """Points (count, 3) on a sphere around the origin."""
    points = np.random.default_rng(5).normal(size=(count, 3))
    return radius * points / np.linalg.norm(points, axis=1, keepdims=True)


def clump(count: int, place: tuple[float, float, float]) -> Points:
    """Points (count, 3) close together."""
    return np.asarray(place) + np.random.default_rng(6).normal(scale=0.01, size=(count, 3))


@pytest.mark.parametrize("scale", [0.001, 1.0, 1000.0])
@pytest.mark.parametrize("place", [(2.0, 0.0, 0.0), (-40.0, 3.0, 0.0), (1e6, 0.0, -1e6)])
def test_a_few_points_far_off_go_and_no_other(place: tuple[float, float, float], scale: float) -> None:
    points = np.concatenate([sphere(20_000), clump(30, place)]) * scale + 7.0 * scale
    np.testing.assert_array_equal(strays(points.astype(np.float32)), np.arange(20_030) >= 20_000)


def test_single_points_in_many_places_go() -> None:
    lonely = sphere(40, radius=3.0)
    assert strays(np.concatenate([sphere(20_000), lonely])).nonzero()[0].tolist() == [*range(20_000, 20_040)]


def test_a_thin_wire_a_gap_in_it_and_what_hangs_on_it_stay() -> None:
    wire = np.linspace((1.0, 0.0, 0.0), (4.0, 0.0, 0.0), 60)
    wire = np.delete(wire, 30, axis=0)
    assert not strays(np.concatenate([sphere(20_000), wire, clump(10, (4.0, 0.0, 0.0))])).any()


def test_a_part_that_stands_apart_stays() -> None:
    assert not strays(np.concatenate([sphere(20_000), clump(200, (5.0, 0.0, 0.0))])).any()


def test_a_thing_of_many_small_pieces_is_left_alone() -> None:
    leaves = [clump(20, (float(x), float(y), float(z))) for x, y, z in sphere(60, radius=4.0)]
    assert strays(np.concatenate([sphere(20_000), *leaves[:15]])).sum() == 15 * 20
    assert not strays(np.concatenate([sphere(20_000), *leaves])).any()


def test_what_is_very_far_off_does_not_hide_what_is_less_so() -> None:
    off = [clump(30, (1e5, 0.0, 0.0)), clump(30, (0.0, 2.0, 0.0))]
    assert strays(np.concatenate([sphere(20_000), *off])).sum() == 60


def test_few_points_are_left_alone() -> None:
    for count in (0, 1, 2, 30, 400):
        assert not strays(np.concatenate([sphere(count), [[9.0, 0.0, 0.0]]])).any()
    assert not strays(np.zeros((5000, 3))).any()


def test_what_is_pointed_at_stays_with_all_of_its_piece() -> None:
    points = np.concatenate([sphere(20_000), clump(30, (5.0, 0.0, 0.0)), clump(30, (-5.0, 0.0, 0.0))])
    clicked = np.zeros(len(points), dtype=bool)
    clicked[[0, 20_003]] = True
    assert strays(points, [clicked]).nonzero()[0].tolist() == [*range(20_030, 20_060)]


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Masks, NDArray[np.bool_], Click]:
    """A scene in which a square on the ball has three times its depth in one view, as if the photo showed
    something else there; the ball's true masks; the square (H, W), and a click on it."""
    folder = tmp_path_factory.mktemp("strays") / "scene"
    scene, truths = write_object_scene(folder, holes=False)
    masks = {name: truth.shows == BALL for name, truth in truths.items()}
    rows, columns = np.nonzero(masks["v2"])
    row, column = int(np.median(rows)), int(np.median(columns))
    square = np.zeros(masks["v2"].shape, dtype=bool)
    square[row : row + BLOCK, column : column + BLOCK] = True
    pointmap = np.array(scene.pointmap(scene.view("v2")))
    eye = scene.view("v2").cam_to_world[:3, 3].astype(np.float32)
    pointmap[square] = eye + 3.0 * (pointmap[square] - eye)
    np.save(scene.folder / "pointmaps" / "v2.npy", pointmap)
    return read_scene(scene.folder), masks, square, Click("v2", column + 3.5, row + 3.5)


def test_lifting_drops_wrong_depth_that_no_view_speaks_against(
    torn: tuple[Scene, Masks, NDArray[np.bool_], Click],
) -> None:
    scene, masks, square, _ = torn
    lifting = Lifting(scene)
    ordered = [masks[view.name] for view in scene.views]
    alone = [view.name for view in scene.views].index("v2")
    everything = [{alone: square}]
    with_them = lifting.all_points(ordered, things=everything)
    assert with_them[alone][square].sum() >= (BLOCK - 2) ** 2  # neither band nor vote takes them
    without = lifting.all_points(ordered)
    assert not without[alone][square].any()
    for one, other in zip(without, with_them, strict=True):
        assert ((one != other) & ~square).sum() <= 0.001 * other.sum()


def test_what_is_clicked_boxed_or_a_group_keeps_its_points(
    torn: tuple[Scene, Masks, NDArray[np.bool_], Click],
) -> None:
    scene, masks, square, click = torn
    lifting = Lifting(scene)
    ordered = [masks[view.name] for view in scene.views]
    v2 = [view.name for view in scene.views].index("v2")
    elsewhere = Click("v2", click.x - 20.0, click.y)
    box = Box("v2", click.x - 4, click.y - 4, click.x + 4, click.y + 4)
    blank: Masks = {name: np.zeros(mask.shape, dtype=bool) for name, mask in masks.items()}
    answers = [masks, {**blank, "v2": square}]
    cases: list[tuple[list[PromptGroup], list[Masks], bool]] = [
        (one_group((elsewhere,)), [], False),
        (one_group((elsewhere, click)), [], True),
        (one_group((elsewhere, Click("v2", click.x, click.y, positive=False))), [], False),
        (one_group((box,)), [], True),
        ([PromptGroup((elsewhere,)), PromptGroup((elsewhere,))], answers, True),
        ([PromptGroup((elsewhere,)), PromptGroup((click,), subtract=True)], answers, False),
    ]
    for groups, found, stays in cases:
        kept = lifting.all_points(ordered, things=pointed_at(scene, list(groups), found))
        assert kept[v2][square].any() == stays, groups


def test_cached_objects_have_no_strays_but_clicked_they_come_back(
    torn: tuple[Scene, Masks, NDArray[np.bool_], Click],
) -> None:
    scene, masks, square, click = torn
    packer = MaskPacker([view.size[::-1] for view in scene.views])
    packer.add([masks[view.name] for view in scene.views])
    packed = packer.packed()
    points = building.lifted_points(scene, packed, lambda *_: None)
    lifted = lift(scene, masks)
    for number, view in enumerate(scene.views):
        np.testing.assert_array_equal(points.mask(0, number), lifted[view.name])
    area = np.array([[sum(mask.sum() for mask in masks.values())]], dtype=np.float32)
    cache = MaskCache(
        tuple(masks),
        packed,
        points,
        np.ones(1, dtype=np.float32),
        area,
        np.full((1, len(scene.views)), 20, dtype=np.float32),
        np.zeros(0, dtype=np.uint8),
    )
    write_mask_cache(scene, "graphcut", cache, scene_stamp(scene))
    assert read_mask_cache(scene, "graphcut") is not None
    session = SceneSession(scene.folder)
    whole = Click("v2", click.x - 20.0, click.y)
    for clicks, stays in (((whole,), False), ((whole, click), True)):
        assert session.preview(one_group(clicks)).cached
        assert session.segment("Ball", one_group(clicks)).owned["v2"][square].any() == stays
