# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that a script gives a name do it with that object, whatever is active in the list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.artist import Artist
from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Made, copied


@pytest.fixture
def artist(blender: Any, tmp_path: Path, listed_scene: Made) -> Artist:
    """Ball and Box are cut out; the active object, Cup, has nothing."""
    made = copied(listed_scene, tmp_path / "scene")
    artist = Artist(blender, made)
    artist.do("open_scene", directory=str(made[0].folder))
    artist.click("Ball", BALL)
    artist.click("Box", BOX)
    artist.do("segment")
    artist.do("object_add", name="Cup")
    return artist


NAMED = [
    ("object_duplicate", {"name": "Ball"}),
    ("isolate", {"object": "Box"}),
    ("make_surface", {"object": "Box"}),
    ("show_as", {"object": "Box", "surface": False}),
    ("set_ground", {"object": "Box"}),
    ("part_add", {"object": "Ball"}),
    ("part_remove", {"object": "Ball", "part": 1}),
    ("object_put_back", {"name": "Ball"}),
    ("segment", {"object": "Ball"}),
    ("object_merge", {"name": "Ball", "into": "Box"}),
    ("object_remove", {"name": "Box"}),
]
"""In an order in which each can be done."""

NOT_THERE = [
    ("object_remove", {"name": "Rug"}),
    ("object_put_back", {"name": "Rug"}),
    ("object_duplicate", {"name": "Rug"}),
    ("object_export", {"name": "Rug", "filepath": "rug.ply"}),
    ("object_merge", {"name": "Rug", "into": "Box"}),
    ("object_merge", {"name": "Ball", "into": "Rug"}),
    ("segment", {"object": "Rug"}),
    ("isolate", {"object": "Rug"}),
    ("show_as", {"object": "Rug"}),
    ("make_surface", {"object": "Rug"}),
    ("set_ground", {"object": "Rug"}),
    ("part_add", {"object": "Rug"}),
    ("part_remove", {"object": "Rug", "part": 1}),
]

EMPTY = [
    ("object_put_back", {"name": "Cup"}, "Cup is not cut out of the scene: there is nothing to merge back."),
    ("object_duplicate", {"name": "Cup"}, "Cup is not cut out yet: press Segment first."),
    ("object_export", {"name": "Cup", "filepath": "c.ply"}, "Cup has no points yet: press Segment first."),
    ("make_surface", {"object": "Cup"}, "Cup has no points yet: press Segment first."),
    ("part_remove", {"object": "Ball", "part": 3}, "Ball has no part 3: add one first."),
]


def test_the_named_object_counts_not_the_active_one(artist: Artist) -> None:
    for operator, named in NAMED:
        settings = artist.root.wildseg3d
        settings.active_group = [item.name for item in settings.groups].index("Cup")
        artist.do(operator, **named)
    assert [item.name for item in artist.root.wildseg3d.groups] == ["Cup"]


def test_a_name_that_is_not_there_is_told_in_a_sentence(artist: Artist) -> None:
    before = artist.state()
    for operator, named in NOT_THERE:
        with pytest.raises(RuntimeError, match=r"^Error: There is no object named 'Rug' in the list\.\s*$"):
            artist.do(operator, **named)
    for operator, named, sentence in EMPTY:
        with pytest.raises(RuntimeError, match=rf"^Error: {re.escape(sentence)}\s*$"):
            artist.do(operator, **named)
    assert artist.state() == before


def test_the_menu_greys_out_what_its_object_has_not(blender: Any, artist: Artist) -> None:
    """Of the object that the menu speaks of, which need not be the only one."""
    from wildseg3d_blender.addon.conditions import SPEAKS_OF

    named = ("object_put_back", "object_duplicate", "isolate", "make_surface")
    operators = [getattr(blender.ops.wildseg3d, name) for name in named]
    ball, _, cup = artist.root.wildseg3d.groups
    for item, can in ((ball, True), (cup, False)):
        with blender.context.temp_override(**{SPEAKS_OF: item}):
            assert [operator.poll() for operator in operators] == [can] * 4


def test_the_ground_is_the_named_objects_even_in_edit_mode(blender: Any, artist: Artist) -> None:
    """Nothing is selected there; without a name, selected points would be the ground."""
    mesh = artist.root.wildseg3d.groups["Ball"].object
    blender.context.view_layer.objects.active = mesh
    blender.ops.object.mode_set(mode="EDIT")
    blender.ops.mesh.select_all(action="DESELECT")
    before = artist.root.matrix_world.copy()
    assert blender.ops.wildseg3d.set_ground(object="Box") == {"FINISHED"}
    blender.ops.object.mode_set(mode="OBJECT")
    assert artist.root.matrix_world != before
