# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-view Group Mapping: what prompts get from the cache."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from tests.scenes.ball_and_box import BALL, BOX, Truth
from tests.scenes.cached import Known, Made, answers, cache_of, mean_iou, middle
from wildseg3d_blender.pipeline.segmentation.lift import lift
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.group_mapping import (
    CERTAIN_IN_BOX,
    Answers,
    matching_objects,
    next_size,
)
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import pixel_prompts
from wildseg3d_blender.pipeline.segmentation.proposals import Proposal
from wildseg3d_blender.progress import Progress
from wildseg3d_blender.prompts import Box, Click
from wildseg3d_blender.scene.folder import Scene


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


class Rivals:
    """Proposes the box with and without its edge, and, looking a little better than both, box and ball."""

    name = "graphcut"

    def __init__(self, truths: dict[str, Truth]) -> None:
        self._shows = {name: truth.shows for name, truth in truths.items()}

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        both = {name: shows > 0 for name, shows in self._shows.items()}
        yield Proposal(both, 0.57)
        for width, score in ((1, 0.55), (3, 0.54), (5, 0.53)):
            kernel = np.ones((width, width), np.uint8)
            box = {
                name: cv2.erode((shows == BOX).astype(np.uint8), kernel) > 0
                for name, shows in self._shows.items()
            }
            yield Proposal(box, score)


def test_several_good_answers_that_hardly_differ_come_before_one_that_looks_a_little_better(
    cached_scene: Made, cached_copy: Scene
) -> None:
    truths = cached_scene[1]
    cache = build_mask_cache(cached_copy, Rivals(truths))
    rows, columns = np.nonzero(truths["v2"].shows > 0)
    box = Box("v2", columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    # Nothing but the looks of each can tell them apart on a spot that is as central in all of them.
    found = matching_objects(cache, pixel_prompts(cached_copy, [Click("v2", *middle(truths["v2"], BOX))]))
    assert set(found.items) == {0, 1, 2, 3}
    assert found.items[-1] == 0
    assert found.agreement < 1.0
    # A box says which one it is.
    assert matching_objects(cache, pixel_prompts(cached_copy, [box])).items[0] == 0


def test_a_box_is_only_answered_without_solving_by_what_fills_it_closely(
    cached_scene: Made, cached_copy: Scene
) -> None:
    truths = cached_scene[1]
    cache = build_mask_cache(cached_copy, Known(truths))
    rows, columns = np.nonzero(truths["v2"].shows == BALL)
    size = columns.max() + 1 - columns.min()

    def found(room: float) -> Answers:
        """What a box gets whose right side is that share of the ball's width too far out."""
        box = Box("v2", columns.min(), rows.min(), columns.max() + 1 + room * size, rows.max() + 1)
        return matching_objects(cache, pixel_prompts(cached_copy, [box]))

    close, loose = found(0.1), found(0.4)
    assert close.items[0] == loose.items[0] == 0 and min(close.agreement, loose.agreement) > CERTAIN_IN_BOX
    assert close.certain and not loose.certain


def test_a_click_against_the_likeliest_objects_makes_no_remaining_one_certain(
    cached_scene: Made, cached_copy: Scene
) -> None:
    truths = cached_scene[1]
    cache = build_mask_cache(cached_copy, Known(truths))

    def found(*clicks: Click) -> Answers:
        return matching_objects(cache, pixel_prompts(cached_copy, clicks))

    ball, box = (Click("v2", *middle(truths["v2"], thing)) for thing in (BALL, BOX))
    rim = ball.x - int((truths["v2"].shows[int(ball.y), : int(ball.x)] == BALL).sum())
    assert found(ball).items[0] in (0, 1) and found(ball).certain
    # What nobody meant is ruled out: as sure as before.
    without_box = found(ball, Click("v2", box.x, box.y, positive=False))
    assert set(without_box.items) == {0, 1} and without_box.certain
    # Only the smaller ball is left, but what is meant is hardly that.
    without_rim = found(ball, Click("v2", rim, ball.y, positive=False))
    assert without_rim.items == (1,) and not without_rim.certain
