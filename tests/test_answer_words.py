# SPDX-License-Identifier: GPL-3.0-or-later
"""Words on answers: clicks that brought next to nothing are told, pieces that are worth something are not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Made, Masks, middle_click, shown
from wildseg3d_blender.pipeline.answer_words import on_losses, on_specks
from wildseg3d_blender.pipeline.prompt_answers import Answer
from wildseg3d_blender.prompts import Click, PromptGroup, one_group


@pytest.fixture
def ball(listed_scene: Made) -> Masks:
    """The ball's masks, to be changed."""
    return {view: mask.copy() for view, mask in shown(listed_scene[1], BALL).items()}


@pytest.fixture
def clicks(listed_scene: Made) -> tuple[Click, Click]:
    """On the ball, and on the box in another photo."""
    return middle_click(listed_scene[1], BALL), middle_click(listed_scene[1], BOX, "v3")


def blot(masks: Masks, click: Click, radius: int) -> None:
    """Have the mask cover a square around a click."""
    row, column = int(click.y), int(click.x)
    masks[click.view][row - radius : row + radius + 1, column - radius : column + radius + 1] = True


def test_a_click_that_brought_a_speck_is_named_by_its_photo(
    listed_scene: Made, ball: Masks, clicks: tuple[Click, Click]
) -> None:
    (nothing,) = on_specks(listed_scene[0], one_group(clicks), [Answer(ball)])
    blot(ball, clicks[1], 1)
    (said,) = on_specks(listed_scene[0], one_group(clicks), [Answer(ball)])
    assert said.startswith("A click in v3 brought no more than a speck") and "v2" not in said
    assert nothing == said and "Larger" not in said
    (larger,) = on_specks(listed_scene[0], one_group(clicks), [Answer(ball)], (True,))
    assert "try Larger" in larger
    assert on_specks(listed_scene[0], one_group(clicks), [Answer(ball)], (False,)) == (said,)
    blot(ball, clicks[1], 12)
    assert on_specks(listed_scene[0], one_group(clicks), [Answer(ball)]) == ()


def test_whatever_else_a_click_brought_is_as_it_should_be(
    listed_scene: Made, ball: Masks, clicks: tuple[Click, Click]
) -> None:
    scene = listed_scene[0]
    blot(ball, clicks[1], 1)
    # A click that an outline missed by a hair.
    rim = Click("v3", clicks[1].x + 3, clicks[1].y)
    grown = {view: mask.copy() for view, mask in ball.items()}
    blot(grown, Click("v3", clicks[1].x - 10, clicks[1].y), 12)
    assert on_specks(scene, one_group([clicks[0], rim]), [Answer(grown)]) == ()
    # An object that is so small itself, one that was looked up, and a click on what is not part of it.
    small = {view: np.zeros_like(mask) for view, mask in ball.items()}
    blot(small, clicks[1], 1)
    assert on_specks(scene, one_group(clicks[1:]), [Answer(small)]) == ()
    assert on_specks(scene, one_group(clicks), [Answer(ball, item=0)]) == ()
    off = Click(clicks[1].view, clicks[1].x, clicks[1].y, positive=False)
    assert on_specks(scene, one_group([clicks[0], off]), [Answer(ball)]) == ()
    # Each part is judged by what was found for it.
    apart = (PromptGroup(clicks[:1]), PromptGroup(clicks[1:]))
    assert on_specks(scene, apart, [Answer(shown(listed_scene[1], BALL)), Answer(small)]) == ()


def test_what_neighbours_take_along_an_outline_is_not_worth_a_word() -> None:
    assert on_losses("Seat", {"Book": 0.04}) == ()
    (said,) = on_losses("Seat", {"Book": 0.04, "Frog": 0.194, "Pen": 1.0})
    assert said.startswith("Seat took 19% of Frog and 100% of Pen: ")
