# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-view Group Mapping: what prompts get from the cache."""

from __future__ import annotations

import numpy as np

from tests.cached_scene import Made, answers, cache_of, mean_iou, middle
from tests.object_scene import BALL, BOX
from wildseg3d_blender.pipeline.segmentation.group_mapping import matching_objects, next_size
from wildseg3d_blender.pipeline.segmentation.lift import lift
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import pixel_prompts
from wildseg3d_blender.prompts import Box, Click


def test_answers_hold_what_was_clicked_and_nothing_that_was_excluded(cached_scene: Made) -> None:
    scene, truths = cached_scene
    cache = cache_of(scene)
    ball, box = (Click("v2", *middle(truths["v2"], thing)) for thing in (BALL, BOX))
    without = Click("v2", box.x, box.y, positive=False)
    found = answers(cache, scene, ball, without)
    assert found
    for item in found:
        mask = cache.masks.mask(item, 2)
        assert mask[int(ball.y), int(ball.x)] and not mask[int(box.y), int(box.x)]
    assert set(found) <= set(answers(cache, scene, ball))


def test_clicks_in_several_views_count_together(cached_scene: Made) -> None:
    scene, truths = cached_scene
    cache = cache_of(scene)
    found = answers(
        cache, scene, Click("v0", *middle(truths["v0"], BALL)), Click("v4", *middle(truths["v4"], BALL))
    )
    assert mean_iou(cache.masks_of(found[0]), truths, BALL) > 0.85


def test_a_box_is_answered_by_what_fills_it(cached_scene: Made) -> None:
    scene, truths = cached_scene
    rows, columns = np.nonzero(truths["v1"].shows == BALL)
    box = Box("v1", columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    cache = cache_of(scene)
    assert mean_iou(cache.masks_of(answers(cache, scene, box)[0]), truths, BALL) > 0.85
    assert answers(cache, scene, Box("v1", 1, 1, 5, 5)) == ()


def test_stepping_goes_to_the_next_size_and_back(cached_scene: Made) -> None:
    scene, truths = cached_scene
    cache = cache_of(scene)
    prompts = pixel_prompts(scene, [Click("v2", *middle(truths["v2"], BALL))])
    chain = [matching_objects(cache, prompts).items[0]]
    while (larger := next_size(cache, prompts, chain[-1], larger=True)) is not None:
        chain.append(larger)
    assert len(chain) > 1
    assert (np.diff(cache.area[chain]) > 0).all()
    smaller = next_size(cache, prompts, chain[1], larger=False)
    assert smaller is not None and cache.area[smaller] < cache.area[chain[1]]


def test_cached_points_are_what_lifting_gives(cached_scene: Made) -> None:
    scene, truths = cached_scene
    cache = cache_of(scene)
    item = answers(cache, scene, Click("v2", *middle(truths["v2"], BOX)))[0]
    expected = lift(scene, cache.masks_of(item))
    assert any(points.any() for points in expected.values())
    for name, points in cache.points_of(item).items():
        np.testing.assert_array_equal(points, expected[name])
