# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole segmenter around the official class with random weights: what it asks for and what comes back.

Random weights answer nonsense, so what is right about an answer here is owed to geometry, or is its form.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.neural.tiny_sam2 import SIDE, tiny_model
from tests.scenes.ball_and_box import BALL, SIZE, Truth, write_object_scene
from wildseg3d_blender.errors import Cancelled, PromptError, SceneError
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import PixelPrompts, pixel_prompts
from wildseg3d_blender.pipeline.segmentation.proposals import Proposer
from wildseg3d_blender.pipeline.segmentation.sam2 import Sam2Segmenter
from wildseg3d_blender.pipeline.segmentation.sam2.answering import clicks_on
from wildseg3d_blender.pipeline.segmentation.sam2.automatic import Search
from wildseg3d_blender.pipeline.segmentation.sam2.encodings import Encodings, picture
from wildseg3d_blender.pipeline.segmentation.sam2.first_click import confirmed
from wildseg3d_blender.pipeline.segmentation.sam2.grids import Window, as_logits, onto_network
from wildseg3d_blender.pipeline.segmentation.sam2.network import Decoded, Features, Sam2Network
from wildseg3d_blender.pipeline.segmentation.sam2.proposing import propose
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Box, Click
from wildseg3d_blender.scene.folder import Scene

EVERYTHING = Search(points=2, quality=-1.0, stability=-1.0, same=0.99, smallest=-1.0, at_once=4)
"""Random masks are never good ones."""


class Counting(Sam2Network):
    """The network, counting how many images it encodes."""

    def __init__(self) -> None:
        super().__init__(tiny_model(), torch.device("cpu"))
        self.encoded = 0

    def encode(self, image: NDArray[np.uint8]) -> Features:
        self.encoded += 1
        return super().encode(image)


Made = tuple[Scene, dict[str, Truth], Sam2Segmenter, Counting]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("objects") / "scene")
    network = Counting()
    segmenter = Sam2Segmenter(scene, silent, load=lambda: network, search=EVERYTHING)
    return scene, truths, segmenter, network


def test_one_encoding_serves_clicks_boxes_and_tracking(made: Made) -> None:
    scene, _, segmenter, network = made
    assert network.encoded == len(scene.views)
    mask = np.zeros((1, 90, 120), bool)
    mask[:, 20:70, 30:90] = True
    tracked = segmenter._carrying.track(2, mask)
    assert set(tracked) == {0, 1, 3, 4} and tracked[0].shape == (1, SIDE // 4, SIDE // 4)
    segmenter.segment([Box("v1", 10, 10, 230, 170)], progress=silent)
    # More only for windows around small answers.
    assert network.encoded - len(scene.views) <= len(scene.views)


@pytest.mark.parametrize(
    "prompts",
    [
        [Click("v2", 80, 90)],
        [Click("v2", 80, 90), Click("v0", 200, 20, False)],
        [Box("v1", 40, 30, 140, 150)],
        [Box("v1", 40, 30, 140, 150), Click("v1", 60, 60, False), Click("v3", 90, 90)],
    ],
    ids=["click", "two views", "box", "all kinds"],
)
def test_masks_in_every_view_that_obey_the_prompts(made: Made, prompts: list[Click | Box]) -> None:
    scene, _, segmenter, _ = made
    masks = segmenter.segment(prompts, progress=silent)
    assert list(masks) == [view.name for view in scene.views]
    assert all(mask.shape == SIZE[::-1] and mask.dtype == bool for mask in masks.values())
    for prompt in prompts:
        if isinstance(prompt, Click):
            assert masks[prompt.view][int(prompt.y), int(prompt.x)] == prompt.positive


def test_the_same_again_is_the_same(made: Made) -> None:
    first, second = (made[2].segment([Click("v2", 80, 90)], progress=silent) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_geometry_carries_what_the_network_does_not_see(made: Made) -> None:
    """The random network's answer contradicts the votes, so the projected mask stands."""
    _, truths, segmenter, _ = made
    known = {2: as_logits(truths["v2"].shows == BALL)}
    for view in (1, 3):
        carried = segmenter._carrying.carry(view, known, clicks_on(PixelPrompts((), ()), view))
        assert iou(carried > 0, truths[f"v{view}"].shows == BALL) > 0.85


def test_a_correction_changes_what_it_must(made: Made) -> None:
    _, truths, segmenter, _ = made
    before = {name: truth.shows == BALL for name, truth in truths.items()}
    rows, columns = np.nonzero(before["v2"])
    inside = Click("v2", columns[len(columns) // 2] + 0.5, rows[len(rows) // 2] + 0.5)
    same = segmenter.segment([inside], previous=before, progress=silent)
    assert all(np.array_equal(same[name], before[name]) for name in before)
    after = segmenter.segment([inside, Click("v2", 5, 5)], previous=before, progress=silent)
    assert after["v2"][5, 5] and not np.array_equal(after["v2"], before["v2"])


def test_an_object_nobody_measured_is_tracked_by_memory(tmp_path: Path) -> None:
    scene, _ = write_object_scene(tmp_path / "scene")
    for view in scene.views:
        np.save(scene.folder / "confidence" / f"{view.name}.npy", np.zeros(SIZE[::-1], np.float32))
    segmenter = Sam2Segmenter(scene, silent, load=Counting, search=EVERYTHING)
    masks = segmenter.segment([Click("v2", 80, 90)], progress=silent)
    assert masks["v2"][90, 80]
    # The random network sees its object in every image; without memory they would be empty.
    assert all(mask.any() for mask in masks.values())


@pytest.mark.parametrize("tracked", [True, False])
def test_objects_have_masks_in_all_views_and_soft_ones(made: Made, tracked: bool) -> None:
    segmenter = made[2]
    reported: list[float] = []
    search = replace(EVERYTHING, tracked=tracked)
    proposals = list(
        propose(segmenter._carrying, search, lambda stage, fraction, text="": reported.append(fraction))
    )
    assert proposals and reported == sorted(reported)
    for proposal in proposals:
        assert proposal.soft is not None and 0.0 <= proposal.score <= 1.0
        for name, mask in proposal.masks.items():
            soft = proposal.soft[name]
            assert (soft[mask] >= 0.5).all() and (soft[~mask] <= 0.5).all()


def test_objects_go_into_the_mask_cache(made: Made) -> None:
    scene, _, segmenter, _ = made
    assert isinstance(segmenter, Proposer)
    cache = build_mask_cache(scene, segmenter)
    assert len(cache) > 0
    assert all(soft.min() >= 0 and soft.max() <= 1 for soft in cache.soft_masks())


def test_windows_show_the_photo_in_full_detail(made: Made) -> None:
    scene, _, _, network = made
    full, cut = picture(scene, scene.views[0]), picture(scene, scene.views[0], Window(32, 16, 96, 80))
    assert full.shape == (360, 480, 3) and np.array_equal(cut, full[32:160, 64:192])
    encodings = Encodings(scene, network, most_bytes=3 * network.encode(full).bytes)
    before = network.encoded
    for window in (None, Window(0, 0, 64, 64), None, Window(64, 0, 128, 64), None):
        encodings.of(0, window)
    assert network.encoded - before == 3
    encodings.of(1)
    encodings.of(2)
    encodings.of(0)
    assert network.encoded - before == 5
    encodings.of(0, Window(0, 0, 64, 64))
    assert network.encoded - before == 6


def test_cancel_and_bad_input(made: Made, tmp_path: Path) -> None:
    scene, _, segmenter, network = made

    def cancel(stage: str, fraction: float, text: str = "") -> None:
        raise Cancelled

    for work in (
        lambda: segmenter.segment([Click("v2", 80, 90)], progress=cancel),
        lambda: list(segmenter.proposals(cancel)),
        lambda: Sam2Segmenter(scene, cancel, load=lambda: network),
    ):
        with pytest.raises(Cancelled):
            work()
    with pytest.raises(PromptError):
        segmenter.segment([Click("v2", 80, 90, False)], progress=silent)
    with pytest.raises(PromptError, match="do not fit"):
        segmenter.segment([Click("v2", 80, 90)], previous={"v2": np.ones((4, 4), bool)}, progress=silent)
    other, _ = write_object_scene(tmp_path / "scene")
    other.image_path(other.views[1]).write_bytes(b"no picture")
    with pytest.raises(SceneError, match="cannot be read"):
        Sam2Segmenter(other, silent, load=lambda: network)


class Knowing(Counting):
    """The network, but for its answers to prompts, which come from the truth.

    Asked for three masks it offers the ball's left half, the ball, and the ball with all that is left of it;
    asked for one, with a guess where the ball is, the ball.
    """

    def __init__(self, truths: dict[str, Truth]) -> None:
        super().__init__()
        self._balls = [truth.shows == BALL for truth in truths.values()]
        self._view_of: dict[int, int] = {}

    def encode(self, image: NDArray[np.uint8]) -> Features:
        features = super().encode(image)
        self._view_of[id(features)] = self.encoded - 1
        return features

    def decode(self, features: Features, *given: Any, several: bool = False, **more: Any) -> Decoded:
        ball = self._balls[self._view_of[id(features)]]
        columns = np.flatnonzero(ball.any(0))
        half, wide = ball.copy(), ball.copy()
        half[:, (columns[0] + columns[-1]) // 2 :] = False
        wide[:, : columns[0]] = True
        masks = [half, ball, wide] if several else [ball]
        side = self.mask_side
        logits = [onto_network(as_logits(mask), Window(0, 0, *SIZE), side) for mask in masks]
        return Decoded(np.stack(logits)[None], np.full((1, len(masks)), 0.9, np.float32))


def test_a_first_click_means_what_other_views_confirm(tmp_path: Path) -> None:
    scene, truths = write_object_scene(tmp_path / "scene")
    segmenter = Sam2Segmenter(scene, silent, load=lambda: Knowing(truths), search=EVERYTHING)
    rows, columns = np.nonzero(truths["v2"].shows == BALL)
    click = Click("v2", float(np.median(columns)) - 5, float(np.median(rows)))
    shown = clicks_on(pixel_prompts(scene, [click]), 2)
    offered = segmenter._carrying.answering.offered(2, shown)
    said = [confirmed(segmenter._carrying, 2, logits) for logits, _ in offered]
    assert said[1] > 0.8 and said[1] > max(said[0], said[2]) + 0.2
    masks = segmenter.segment([click], progress=silent)
    assert iou(masks["v2"], truths["v2"].shows == BALL) > 0.85
