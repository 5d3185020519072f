# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SAM 2 segmenter does without its network: grids, windows, orders, votes, choosing masks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, BOX, Truth, write_object_scene
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import PixelClick
from wildseg3d_blender.pipeline.segmentation.sam2.answering import obeying
from wildseg3d_blender.pipeline.segmentation.sam2.automatic import Found, different, stability
from wildseg3d_blender.pipeline.segmentation.sam2.grids import (
    NOWHERE,
    Window,
    as_logits,
    as_soft,
    closer_window,
    onto_network,
    onto_view,
    whole,
)
from wildseg3d_blender.pipeline.segmentation.sam2.overlap import carrying_order, most_alike, most_central
from wildseg3d_blender.pipeline.segmentation.sam2.surfaces import Surfaces
from wildseg3d_blender.pipeline.segmentation.sam2.transfer import (
    Votes,
    agreement,
    clicks_for,
    contradictions,
    guess,
    outvoted,
    votes_on,
)
from wildseg3d_blender.scene.folder import Scene

Made = tuple[Scene, list[Truth], Surfaces]
SHAPE = (180, 240)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("objects") / "scene")
    return scene, list(truths.values()), Surfaces(scene)


def disc(x: float, y: float, radius: float, shape: tuple[int, int] = SHAPE) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


@pytest.mark.parametrize("window", [whole((240, 180)), Window(48, 32, 144, 128)])
def test_masks_keep_their_place_between_the_grids(window: Window) -> None:
    mask = disc(100, 80, 30)
    back = onto_view(onto_network(as_logits(mask), window, 64), window, (240, 180))
    assert back.shape == SHAPE
    assert iou(back > 0, mask) > 0.93
    rows, columns = np.nonzero(back > 0)
    assert abs(columns.mean() + 0.5 - 100) < 0.6 and abs(rows.mean() + 0.5 - 80) < 0.6


def test_outside_a_window_nothing_is_claimed() -> None:
    window = Window(48, 32, 144, 128)
    placed = onto_view(np.full((64, 64), 5.0, np.float32), window, (240, 180))
    assert (placed[32:128, 48:144] == 5.0).all()
    placed[32:128, 48:144] = NOWHERE
    assert (placed == NOWHERE).all()


def test_prompts_in_a_window_are_shares_of_it() -> None:
    window = Window(40, 20, 140, 70)
    assert np.allclose(
        window.relative(np.array([[40, 20], [140, 70], [90, 32.5]])), [[0, 0], [1, 1], [0.5, 0.25]]
    )


def test_small_objects_get_a_window_and_large_ones_none() -> None:
    window = closer_window(disc(60, 150, 8))
    assert window is not None
    assert window.holds(60 - 8, 150 - 8) and window.holds(60 + 8, 150 + 8)
    assert window.size[0] == window.size[1] and window.size[0] <= 64
    assert window.x0 >= 0 and window.x1 <= 240 and window.y0 >= 0 and window.y1 <= 180
    assert closer_window(disc(61, 150, 8)) == window
    assert closer_window(disc(120, 90, 40)) is None
    assert closer_window(np.zeros(SHAPE, bool)) is None


def test_soft_masks_are_likelihoods() -> None:
    soft = as_soft(np.array([[-100.0, 0.0, 100.0, np.log(3.0)]], np.float32))
    assert soft.dtype == np.float32 and np.allclose(soft, [[0, 0.5, 1, 0.75]])


def row_of(count: int) -> NDArray[np.float64]:
    """Shares of views in a row: the farther, the less."""
    place = np.arange(count)
    return np.exp(-np.abs(place[:, None] - place[None, :])) - np.eye(count)


def test_objects_are_carried_outwards_in_both_directions() -> None:
    assert carrying_order(row_of(5), [0]) == [1, 2, 3, 4]
    order = carrying_order(row_of(5), [2])
    assert sorted(order) == [0, 1, 3, 4]
    assert order.index(1) < order.index(0) and order.index(3) < order.index(4)
    assert carrying_order(row_of(4), [0, 3]) == [1, 2]
    assert most_central(row_of(5), range(5)) == 2
    assert most_alike(row_of(5), 4, [0, 1, 2, 3], 2) == [3, 2]
    # Without any overlap the one seen last comes first, as in a film.
    assert most_alike(np.zeros((4, 4)), 3, [0, 1, 2], 9) == [2, 1, 0]


def test_overlap_is_what_views_share(made: Made) -> None:
    shares = made[2].overlaps()
    assert shares.shape == (5, 5) and (np.diagonal(shares) == 0).all()
    assert (shares[0, 1:] > 0.3).all() and shares[0, 1] > shares[0, 4]


@pytest.mark.parametrize("thing", [BALL, BOX])
def test_projected_masks_are_the_object(made: Made, thing: int) -> None:
    _, truths, surfaces = made
    masks = {view: truths[view].shows == thing for view in (1, 3)}
    votes = votes_on(surfaces, masks, 2, SHAPE)
    assert votes.shows_object
    assert iou(guess(votes.lean()) > 0, truths[2].shows == thing) > 0.9
    points, labels = clicks_for(votes.lean())
    assert len(points) >= 1 and (labels == 1).all()
    for x, y in points:
        assert truths[2].shows[int(y), int(x)] == thing


def test_votes_of_the_view_itself_do_not_count(made: Made) -> None:
    votes = votes_on(made[2], {2: np.ones(SHAPE, bool)}, 2, SHAPE)
    assert not votes.shows_object and (votes.lean() == 0).all()


def test_a_look_alike_is_told_apart_by_where_it_stands(made: Made) -> None:
    _, truths, surfaces = made
    lean = votes_on(surfaces, {1: truths[1].shows == BALL}, 2, SHAPE).lean()
    ball, box = (truths[2].shows == thing for thing in (BALL, BOX))
    points, labels = contradictions(ball | box, lean, int(ball.sum()))
    assert labels.tolist() == [0]
    assert box[int(points[0, 1]), int(points[0, 0])]
    points, labels = contradictions(box, lean, int(ball.sum()))
    assert labels.tolist() == [1, 0] and ball[int(points[0, 1]), int(points[0, 0])]
    assert len(contradictions(ball, lean, int(ball.sum()))[0]) == 0
    assert agreement(ball, lean) > 0.95 > agreement(ball | box, lean)
    # Standing apart, it goes altogether; where the artist clicked it, it stays.
    apart = ball & (np.arange(SHAPE[1]) < 100) | box & (np.arange(SHAPE[1]) > 140)
    gone = outvoted(apart, lean)
    assert (gone & ball).sum() == 0 and gone.sum() == (apart & box).sum()
    clicked = np.zeros(SHAPE, bool)
    clicked[tuple(np.argwhere(apart & box)[0])] = True
    assert not outvoted(apart, lean, clicked).any()


def test_without_votes_everything_agrees() -> None:
    nothing = Votes(np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32))
    lean, mask = nothing.lean(), disc(50, 50, 20)
    assert agreement(mask, lean) == 1.0 and not outvoted(mask, lean).any()
    assert len(contradictions(mask, lean, 100)[0]) == 0 and len(clicks_for(lean)[0]) == 0
    prior = as_logits(mask)
    assert np.array_equal(guess(lean, prior), prior) and (guess(lean) < 0).all()


def test_stability_is_the_overlap_of_two_cuts() -> None:
    steep = as_logits(disc(32, 32, 20, (64, 64)))
    ramp = np.tile(np.linspace(-4, 4, 64, dtype=np.float32), (64, 1))
    found = stability(np.stack([steep, ramp, np.full((64, 64), -9.0, np.float32)]))
    assert np.allclose(found, [1.0, (ramp > 1).sum() / (ramp > -1).sum(), 0.0])


def test_of_equal_masks_the_best_is_kept() -> None:
    def one(x: float, radius: float, score: float) -> Found:
        return Found(as_logits(disc(x, 128, radius, (256, 256))), score)

    whole_thing, twin, part, tiny = one(100, 60, 0.8), one(102, 60, 0.9), one(100, 30, 0.7), one(200, 2, 0.6)
    kept = different([whole_thing, twin, part, tiny], 0.7)
    assert [item.score for item in kept] == [0.9, 0.7, 0.6]
    assert different([], 0.7) == []


def test_clicks_are_obeyed_where_the_network_does_not() -> None:
    logits = as_logits(disc(60, 60, 20))
    clicks = [PixelClick(0, 60, 60, False), PixelClick(0, 20, 200, True), PixelClick(0, 61, 75, True)]
    obeyed = obeying(logits, clicks)
    assert obeyed[60, 60] < 0 < obeyed[20, 200]
    assert 0 < (obeyed != logits).sum() < 60 and (logits[60, 60] > 0)
