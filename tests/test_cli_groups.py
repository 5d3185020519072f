# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of prompts, sizes and shared points on the command line."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.command_line import last_object
from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Made, core, middle_click, same, shown
from wildseg3d_blender.cli.main import main
from wildseg3d_blender.cli.prompt_options import EXAMPLES, photo_groups
from wildseg3d_blender.errors import PromptError
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import FOLDER
from wildseg3d_blender.prompts import Box, Click
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import object_folders, read_object
from wildseg3d_blender.scene.ownership import owned_points


def photo_pixel(scene: Scene, click: Click) -> list[str]:
    return [str(x) for x in scene.view(click.view).warp.to_photo(np.array([click.x, click.y]))]


def masks_in(scene: Scene, name: str) -> dict[str, Any]:
    return dict(read_object(scene, scene.folder / "objects" / name).masks)


def test_groups_are_read_in_their_order(listed_scene: Made) -> None:
    given = [
        ("view", ("v1",)),
        ("click", (200.0, 200.0)),
        ("size", (2,)),
        ("subtract", ()),
        ("view", ("v2.jpg",)),
        ("box", (100.0, 100.0, 50.0, 50.0)),
        ("size", (-1,)),
        ("add", ()),
        ("click", (220.0, 220.0, 230.0, 230.0)),
        ("exclude", (10.0, 10.0)),
    ]
    first, second, third = photo_groups(listed_scene[0], given)
    assert [(group.subtract, group.size) for group in (first, second, third)] == [
        (False, 2),
        (True, -1),
        (False, 0),
    ]
    assert [prompt.view for prompt in first.prompts] == ["v1"]
    assert isinstance(second.prompts[0], Box) and second.prompts[0].view == "v2"
    assert [isinstance(prompt, Click) and prompt.positive for prompt in third.prompts] == [True, True, False]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "Show the object"),
        ([("view", ("v1",)), ("subtract", ()), ("click", (200.0, 200.0))], "Show the object"),
        ([("view", ("v1",)), ("click", (200.0, 200.0)), ("subtract", ())], "no prompt after --subtract"),
        ([("view", ("v1",)), ("click", (200.0, 200.0)), ("add", ()), ("subtract", ())], "after --add"),
    ],
)
def test_groups_without_prompts_are_named(
    listed_scene: Made, given: list[tuple[str, tuple[Any, ...]]], words: str
) -> None:
    with pytest.raises(PromptError, match=words):
        photo_groups(listed_scene[0], given)


def test_sizes_groups_and_shared_points(listed_copy: Made, capsys: pytest.CaptureFixture[str]) -> None:
    scene, truths = listed_copy
    ball = ["--view", "v2", "--click", *photo_pixel(scene, middle_click(truths, BALL))]
    box = ["--click", *photo_pixel(scene, middle_click(truths, BOX))]

    def segment(name: str, *options: str) -> dict[str, Any]:
        assert main(["segment", str(scene.folder), "--json", "--name", name, *options]) == 0
        return last_object(capsys.readouterr().out)

    assert segment("Both", *ball, "--size", "1")["changed"] == []
    assert same(masks_in(scene, "Both"), shown(truths, BALL, BOX))
    assert segment("Ball", *ball, "--size", "1", "--subtract", *box)["changed"] == ["Both"]
    assert same(masks_in(scene, "Ball"), shown(truths, BALL))
    assert segment("Core", *ball, "--size", "-1", "--shared", "leave")["changed"] == []
    assert same(masks_in(scene, "Core"), core(truths, BALL))
    assert segment("All", *ball, "--add", *box)["changed"] == ["Ball", "Both"]
    owned = owned_points(scene)
    assert not any(mask.any() for mask in owned["Core"].values())
    assert sum(int(mask.sum()) for mask in owned["All"].values()) > 2000


def test_the_ply_file_holds_the_points_that_are_owned(
    listed_copy: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, truths = listed_copy
    ball = ["--view", "v2", "--click", *photo_pixel(scene, middle_click(truths, BALL))]
    file = tmp_path / "both.ply"
    assert main(["segment", str(scene.folder), "--name", "Ball", *ball]) == 0
    both = ["--name", "Both", *ball, "--size", "1", "--shared", "leave", "--ply", str(file)]
    assert main(["segment", str(scene.folder), *both]) == 0
    owned = sum(int(mask.sum()) for mask in owned_points(scene)["Both"].values())
    assert f"element vertex {owned}\n".encode() in file.read_bytes()
    assert f"Both: {owned:,} points" in capsys.readouterr().out


def test_what_cannot_be_done_is_one_sentence(listed_copy: Made, capsys: pytest.CaptureFixture[str]) -> None:
    scene, truths = listed_copy
    ball = ["--view", "v2", "--click", *photo_pixel(scene, middle_click(truths, BALL))]
    for options, words in (
        ([*ball, "--subtract"], "There is no prompt after --subtract"),
        ([*ball, "--subtract", *ball], "Nothing is left of Object"),
        ([*ball, "--exclude", *ball[3:]], "both as object and as not object"),
        (["--view", "v2", "--exclude", "10", "10"], "place at least one on the object itself"),
        (["--view", "v7", "--click", "10", "10"], "no view named 'v7'"),
    ):
        assert main(["segment", str(scene.folder), *options]) == 1
        said = capsys.readouterr()
        assert words in said.err and said.out == ""
        assert said.err.splitlines()[-1].count(words) == 1
    assert not object_folders(scene)
    for options in (["--size", "99"], ["--size", "large"], ["--shared", "steal"]):
        with pytest.raises(SystemExit) as caught:
            main(["segment", str(scene.folder), *ball, *options])
        assert caught.value.code == 2


def test_a_size_before_objects_were_found_is_explained(
    listed_copy: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, truths = listed_copy
    shutil.rmtree(scene.folder / FOLDER)
    ball = ["--view", "v2", "--click", *photo_pixel(scene, middle_click(truths, BALL))]
    assert main(["segment", str(scene.folder), *ball, "--size", "1"]) == 0
    assert "only once the scene's objects were found" in capsys.readouterr().out


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["segment", "--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert EXAMPLES.strip() in said and "--subtract" in said
