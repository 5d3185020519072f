# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts: plain functions do what operators do; ``blender --command``; files of objects."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.artist import Artist
from tests.command_line import last_object
from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Made, copied, middle_click
from wildseg3d_blender.errors import PhotoError, PromptError, SceneError, WildSegError
from wildseg3d_blender.scene.folder import read_scene


@pytest.fixture
def made(tmp_path: Path, listed_scene: Made) -> Made:
    return copied(listed_scene, tmp_path / "scene")


def _pixel(made: Made, thing: int, view: str = "v2") -> tuple[float, float]:
    """Photo pixel in the middle of a thing."""
    click = middle_click(made[1], thing, view)
    x, y = made[0].view(view).warp.to_photo(np.array([click.x, click.y]))
    return float(np.float32(x)), float(np.float32(y))  # as operators' properties keep it


def _clicks(made: Made) -> dict[str, list[dict[str, Any]]]:
    return {
        "Ball": [{"view": "v2.jpg", "click": list(_pixel(made, BALL))}],
        "Box": [
            {"view": "v2", "click": list(_pixel(made, BOX))},
            {"view": "v1", "exclude": list(_pixel(made, BALL, "v1"))},
        ],
    }


def test_functions_do_what_operators_do(blender: Any, made: Made, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import api

    other = read_scene(shutil.copytree(made[0].folder, tmp_path / "copy" / "scene"))
    artist = Artist(blender, made)
    operators = blender.ops.wildseg3d
    operators.open_scene(directory=str(made[0].folder))
    for name, thing in (("Ball", BALL), ("Box", BOX)):
        artist.click(name, thing)
    x, y = _pixel(made, BALL, "v1")
    operators.prompt_add(view="v1", x=x, y=y, positive=False, object="Box")
    operators.segment()
    operators.object_put_back(name="Ball")
    operators.segment(object="Ball")
    artist.rename("Ball", "Kugel")
    operators.object_merge(name="Box", into="Kugel")
    operators.object_add(name="Rug")
    operators.object_remove(name="Rug")
    operators.object_duplicate(name="Kugel")
    by_operators, copy = artist.state(), blender.context.view_layer.objects.active

    root = api.open_scene(other.folder)
    assert api.place_prompts(root, _clicks(made)) == ["Ball", "Box"]
    assert sorted(api.segment(root)) == ["Ball", "Box"]
    api.put_back(root, "Ball")
    assert sorted(api.cut_out(root)) == ["Box"]
    api.segment(root, "Ball")
    assert api.rename(root, "Ball", "Kugel") == "Kugel"
    api.merge(root, "Box", "Kugel")
    api.click(root, "Rug", "v2", _pixel(made, BALL))
    api.delete(root, "Rug")
    made_copy = api.duplicate_as_mesh(root, "Kugel")
    assert api.active_root() == root
    assert Artist(blender, (other, made[1])).state() == by_operators
    assert len(made_copy.data.vertices) == len(copy.data.vertices) > 1000


def test_what_goes_wrong_is_raised_as_what_it_is(blender: Any, made: Made, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import api

    with pytest.raises(PhotoError, match="No photos were given"):
        api.reconstruct([])
    with pytest.raises(PhotoError, match=r"nothing\.jpg"):
        api.reconstruct([tmp_path / "nothing.jpg"])
    with pytest.raises(SceneError, match="There is no reconstruction"):
        api.active_root()
    root = api.open_scene(made[0].folder)
    with pytest.raises(WildSegError, match=r"^No prompts yet"):
        api.segment(root)
    api.click(root, "Ball", "v2", _pixel(made, BALL), exclude=True)
    with pytest.raises(PromptError, match=r"^Every prompt of Ball excludes"):
        api.segment(root)
    with pytest.raises(SceneError, match="no object named 'Cup'"):
        api.delete(root, "Cup")
    with pytest.raises(SceneError, match="Ball is not cut out"):
        api.put_back(root, "Ball")
    for wrong, sentence in (
        ({"Cup": [{"click": [1, 2]}]}, 'Prompt 1 of Cup .* needs a "view"'),
        ({"Cup": [{"view": "v2", "click": [1, 2, 3]}]}, "a click has 2 numbers"),
        ({"Cup": [{"view": "v2", "box": ["a", 2, 3, 4]}]}, "are no numbers"),
        ({"Cup": [{"view": "v2", "click": [1, 2], "box": [1, 2, 3, 4]}]}, "one of click, exclude, box"),
    ):
        with pytest.raises(PromptError, match=sentence):
            api.place_prompts(root, wrong)


def test_surfaces_go_with_their_objects(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon import api
    from wildseg3d_blender.addon.scene import lookup

    root = api.open_scene(made[0].folder)
    api.place_prompts(root, _clicks(made))
    points = api.segment(root)
    for name in ("Ball", "Box"):
        api.surface(root, name)
        assert not points[name].visible_get()
    api.rename(root, "Ball", "Kugel")
    assert sorted(item.name for item in lookup.surfaces(root)) == ["Box Surface", "Kugel Surface"]
    api.put_back(root, "Box")
    assert [item.name for item in lookup.surfaces(root)] == ["Kugel Surface"]
    api.segment(root, "Box")
    api.merge(root, "Box", into="Kugel")
    assert not lookup.surfaces(root) and api.cut_out(root)["Kugel"].visible_get()
    api.surface(root, "Kugel")
    api.delete(root, "Kugel")
    assert not lookup.surfaces(root)


@pytest.mark.parametrize("ending", ["glb", "gltf", "ply", "usdc", "obj"])
def test_objects_are_written_for_other_programs(
    blender: Any, made: Made, tmp_path: Path, ending: str
) -> None:
    from wildseg3d_blender.addon import api

    root = api.open_scene(made[0].folder)
    api.click(root, "Ball", "v2", _pixel(made, BALL))
    ball = api.segment(root)["Ball"]
    ball.hide_set(True)
    selected = list(blender.context.selected_objects)
    file = api.export([ball], tmp_path / "out" / f"ball.{ending}")
    written = list(file.parent.iterdir())  # .gltf and .obj have files beside them
    assert sum(other.stat().st_size for other in written) > 10_000
    assert ball.hide_get() and blender.context.selected_objects == selected
    if ending == "ply":
        header = file.read_bytes()[:400]
        assert b"element vertex %d" % len(ball.data.vertices) in header and b"red" in header
    if ending == "gltf":
        assert "COLOR_0" in file.read_text(encoding="utf-8")
    with pytest.raises(SceneError, match="nothing to write"):
        api.export([], file)
    with pytest.raises(SceneError, match="ends with one of"):
        api.export([ball], tmp_path / "ball.xyz")


def test_an_exporter_that_is_not_enabled_is_named(blender: Any, made: Made, tmp_path: Path) -> None:
    import addon_utils

    from wildseg3d_blender.addon import api
    from wildseg3d_blender.addon.scene import lookup

    points = lookup.points(api.open_scene(made[0].folder))
    addon_utils.disable("io_scene_gltf2")
    try:
        with pytest.raises(SceneError, match=r"cannot write \.glb .* choose another ending"):
            api.export([points], tmp_path / "points.glb")
    finally:
        addon_utils.enable("io_scene_gltf2")
    assert api.export([points], tmp_path / "points.glb").is_file()


def test_the_command_cuts_out_exports_and_saves(
    blender: Any, made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from wildseg3d_blender.addon import api, command

    (tmp_path / "clicks.json").write_text(json.dumps({"Ball": _clicks(made)["Ball"]}), encoding="utf-8")
    blend = tmp_path / "out" / "table.blend"
    x, y = _pixel(made, BOX)
    code = command.run(
        [
            *("segment", str(made[0].folder), "-o", str(blend), "--json"),
            *("--prompts", str(tmp_path / "clicks.json")),
            *("--object", "Box", "--click", f"v2.jpg:{x:.1f},{y:.1f}"),
            *("--export", str(tmp_path / "{name}.glb"), "--export", str(tmp_path / "all.ply")),
        ]
    )
    result = last_object(capsys.readouterr().out)
    assert code == 0 and sorted(result["objects"]) == ["Ball", "Box"]
    assert [Path(file).name for file in result["files"]] == ["Ball.glb", "Box.glb", "all.ply"]
    assert all(Path(file).is_file() for file in result["files"])
    blender.ops.wm.open_mainfile(filepath=str(blend))
    root = api.active_root()
    assert root.wildseg3d.folder == "//../scene"
    counts = {name: len(item.data.vertices) for name, item in api.cut_out(root).items()}
    assert counts == result["objects"]

    # The .blend again: nothing is done twice, and it is saved in place.
    assert command.run(["segment", str(blend), "--object", "Cup", "--click", "v2:1,1,1"]) == 1
    assert "a click has 2 numbers" in capsys.readouterr().err
    assert command.run(["segment", str(tmp_path / "none.blend"), "--json"]) == 1
    said = capsys.readouterr()
    assert "cannot be opened" in said.err
    error = last_object(said.out)["error"]
    assert error["code"] == "scene" and error["message"] == said.err.splitlines()[-1]
    assert command.run(["segment", str(made[0].folder)]) == 0
    assert (tmp_path / "scene.blend").is_file()
    assert command.run(["segment", str(blend), "--surface", "--export", str(tmp_path / "s.glb")]) == 0
    assert (tmp_path / "s.glb").is_file()
    kept = tmp_path / "kept.blend"
    assert command.run(["segment", str(blend), "-o", str(kept), "--export", str(tmp_path / "s.stl")]) == 1
    assert "ends with one of" in capsys.readouterr().err and not kept.is_file()  # said before any work
    for option in ("-o", "--export"):
        assert command.run(["segment", str(blend), option, str(blend / "no folder.ply")]) == 1
        assert capsys.readouterr().err.startswith("Cannot write ")
    assert command.run(["fly"]) == 2
    assert command.run(["--help"]) == 0


def test_every_public_function_says_what_it_does() -> None:
    from wildseg3d_blender.addon import api

    functions = [
        value
        for name, value in vars(api).items()
        if callable(value) and getattr(value, "__module__", "") == api.__name__
    ]
    assert len(functions) > 15
    assert all(function.__doc__ for function in functions if not function.__name__.startswith("_"))
