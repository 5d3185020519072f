# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences with counts in them are in the right number, whether there is one thing or several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.artist import Artist
from tests.scenes.ball_and_box import BALL
from tests.scenes.listed import Made, copied
from wildseg3d_blender.errors import PhotoError
from wildseg3d_blender.pipeline.photos.reading import open_photos
from wildseg3d_blender.wording import counted, found_objects


def test_counts() -> None:
    assert [counted(n, "photo") for n in (0, 1, 2, 1200)] == [
        "0 photos",
        "1 photo",
        "2 photos",
        "1,200 photos",
    ]
    assert found_objects(1, 0) == "1 object"
    assert found_objects(7, 1) == "7 objects, 1 of them part of another"
    assert found_objects(7, 3) == "7 objects, 3 of them parts of others"


def test_photos_that_cannot_be_used(tmp_path: Path) -> None:
    """The advice is for all that are named, and each advice is given once."""
    for name in ("a.heic", "b.heic"):
        (tmp_path / name).touch()
    (tmp_path / "c.jpg").write_text("no picture")
    heic = "is a HEIC file, which cannot be read"
    for given, sentence in (
        (["a.heic"], f"The only photo cannot be used (a.heic {heic}). Export as JPEG or PNG."),
        (
            ["a.heic", "b.heic", "c.jpg"],
            f"None of the photos can be used (a.heic {heic}; b.heic {heic}; c.jpg is not an image that can "
            "be read). Export as JPEG or PNG.",
        ),
    ):
        with pytest.raises(PhotoError) as raised:
            open_photos([tmp_path / name for name in given])
        assert raised.value.message == sentence


def test_one_object_of_a_scene(blender: Any, listed_scene: Made, tmp_path: Path) -> None:
    from wildseg3d_blender.addon.tasks.driving import to_the_end
    from wildseg3d_blender.addon.tasks.opening import opening

    made = copied(listed_scene, tmp_path / "scene")
    artist = Artist(blender, made)
    told: list[str] = []
    assert to_the_end(opening(made[0].folder), "Open Scene Folder", told.append) == "5 photos from scene."
    artist.click("Ball", BALL)
    artist.do("segment")
    blender.ops.wm.read_factory_settings(use_empty=True)
    said = to_the_end(opening(made[0].folder), "Open Scene Folder", told.append)
    assert (said, told) == ("5 photos, 1 object from scene.", [])
