# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's whole way, from the zip to objects in a file that was closed and opened again.

One story in order, in one Blender and then in a second; a test that fails ends it. Screenshots and the log
are in ``gui-test/``. Run by ``make test-gui``, which names the Blender.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from samples.truth import SampleTruth
from tests.gui.window import Window, blender, blender_environment, missing_tools, screen

ROOT = Path(__file__).absolute().parents[2]
OUT = ROOT / "gui-test"
COMMAND = os.environ.get("WILDSEG3D_BLENDER", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not COMMAND, reason="WILDSEG3D_BLENDER does not name a Blender to drive"),
    pytest.mark.skipif(bool(missing_tools()), reason=f"missing: {', '.join(missing_tools())}"),
]

ROOTS = "[o.name for o in bpy.context.scene.objects if o.wildseg3d.role == 'ROOT']"
OBJECTS = "[o.name for o in bpy.context.scene.objects if o.wildseg3d.role == 'OBJECT']"
PROMPTS = "[o.wildseg3d.positive for o in bpy.context.scene.objects if o.wildseg3d.role == 'PROMPT']"
CAMERAS = "[o.name for o in bpy.context.scene.objects if o.wildseg3d.role == 'CAMERA']"
JOB = "addon('session.runtime').current_job() is not None"
PREVIEWED = "addon('session.previewing').answer() is not None"
LOOKS_THROUGH = "bpy.context.scene.camera and bpy.context.scene.camera.wildseg3d.role == 'CAMERA'"
THROUGH_PHOTO = "looks_through_photo()"
VIEW = "bpy.context.scene.camera.wildseg3d.view"
ROOT_SETTINGS = "bpy.context.scene.wildseg3d.root.wildseg3d"
ACTIVE = f"{ROOT_SETTINGS}.groups[{ROOT_SETTINGS}.active_group].object.name"
BOX = "box_in_photo(bpy.context.scene.wildseg3d.root)"
ALIGNED_FOR = f"{ROOT_SETTINGS}.aligned_for"
SHOWN = f"{ROOT_SETTINGS}.state"
SCENE_FOLDER = (
    "addon('scene.importing').state_of(addon('scene.lookup').scene_folder(bpy.context.scene.wildseg3d.root))"
)
SURFACES = "[o.name for o in bpy.context.scene.objects if o.wildseg3d.role == 'SURFACE']"
KINDS = f"[bpy.data.objects[name].wildseg3d.made_with.kind for name in {SURFACES}]"

REFINE_HEADER, SCENE_HEADER = 62, 32
"""Pixels from the middle of the Segment button, and of Thumbnails, down to the header of a panel below."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, sample_truth: SampleTruth) -> Path:
    """The sample photos in a folder of their own, with a short name to type."""
    folder = tmp_path_factory.mktemp("gui") / "table"
    shutil.copytree(sample_truth.folder / "photos", folder)
    return folder


@pytest.fixture(scope="module")
def profile(photos: Path) -> Path:
    """A fresh profile into which the built zip was installed from the command line."""
    profile = photos.parent / "profile"
    profile.mkdir()
    OUT.mkdir(exist_ok=True)
    for old in (*OUT.glob("*.png"), *OUT.glob("*.log")):
        old.unlink()
    archive = max((ROOT / "dist").glob("*.zip"), key=lambda file: file.stat().st_mtime)
    install = ["--background", "--command", "extension", "install-file", "-r", "user_default", "-e"]
    _run(*install, str(archive), profile=profile)
    file = str(photos.parent / "work.blend")
    # No window manager gives the file browser's own window the keyboard on this screen.
    begin = (
        "import bpy; bpy.context.preferences.view.filebrowser_display_type = 'SCREEN'; "
        "bpy.context.preferences.view.show_splash = False; bpy.ops.wm.save_userpref(); "
        f"bpy.ops.wm.save_as_mainfile(filepath={file!r})"
    )
    _run("--background", "--python-exit-code", "1", "--python-expr", begin, profile=profile)
    return profile


@pytest.fixture(scope="module")
def window(profile: Path, photos: Path) -> Iterator[Window]:
    """The first Blender, with an empty file that has a name."""
    with (
        screen() as display,
        blender(COMMAND, profile, OUT, display, str(photos.parent / "work.blend")) as window,
    ):
        yield window


def test_the_panel_is_where_it_says(window: Window) -> None:
    x, y, width, height = window.ask("area_rect()")
    window.click(x + width / 2, y + height * 0.8)
    window.key("n")
    for row in range(20):
        x, y, width, height = window.ask("area_rect(region='UI')")
        window.click(x + width - 10, y + height - 30 - row * 25)
        if window.ask("active_tab()") == "WildSeg3D":
            break
    window.picture("first-look")
    assert window.ask("active_tab()") == "WildSeg3D"


def test_a_folder_is_chosen(window: Window, photos: Path) -> None:
    window.press("ops.wildseg3d.photos_add(")
    window.wait_for(
        "any(area.type == 'FILE_BROWSER' for area in bpy.context.window_manager.windows[0].screen.areas)"
    )
    window.picture("choosing")
    window.double_click(*window.find("params.directory", kind="FILE_BROWSER"))
    window.key("ctrl+a")
    window.type(f"{photos}/")
    window.key("Return")
    window.press("ops.file.execute(", kind="FILE_BROWSER", region="EXECUTE")
    window.wait_for("len(addon('photo_list').chosen(bpy.context.scene)) == 11")
    time.sleep(3)
    window.picture("chosen")
    window.clicks = 0


def test_escape_stops_a_reconstruction_and_leaves_nothing(window: Window) -> None:
    clicks = window.clicks
    window.press("ops.wildseg3d.reconstruct(")
    window.wait_for(f"{JOB} and addon('session.runtime').current_job().fraction > 0.2", 300)
    window.picture("reconstructing")
    before = time.monotonic()
    window.key("Escape")
    window.wait_for(f"not ({JOB})")
    _log(window, f"Esc to nothing running: {time.monotonic() - before:.1f} s")
    window.picture("stopped")
    assert window.ask(ROOTS) == []
    window.clicks = clicks


def test_reconstruct(window: Window) -> None:
    before = time.monotonic()
    window.press("ops.wildseg3d.reconstruct(")
    window.wait_for(JOB)
    window.wait_for(f"not ({JOB})", 900)
    window.wait_for(ROOTS)
    _log(window, f"Reconstruct: {time.monotonic() - before:.1f} s")
    window.picture("reconstructed")
    assert len(window.ask(CAMERAS)) == 11


def test_a_click_is_seen_in_the_photo(window: Window, sample_truth: SampleTruth) -> None:
    window.press("ops.wildseg3d.prompt_place(")
    window.wait_for(LOOKS_THROUGH)
    (left, low), (right, _) = window.ask("[at_photo(0, 1), at_photo(1, 0)]")
    toolbar, sidebar = window.ask("[area_rect('VIEW_3D', 'TOOLS'), area_rect('VIEW_3D', 'UI')]")
    assert toolbar[0] + toolbar[2] - 1 <= left and right <= sidebar[0] + 1, "no panel hides the photo"
    assert low > toolbar[1] + 60, "nor do the photos along the bottom"
    at = _seen_inside(window, sample_truth, "mug")
    window.picture("before-the-first-click")
    before = time.monotonic()
    window.click(*at)
    window.wait_for(PREVIEWED, 120)
    _log(
        window, f"First click to its preview, waiting of the test included: {time.monotonic() - before:.1f} s"
    )
    window.picture("first-click")
    assert window.ask(PROMPTS) == [True]
    iou = _iou(window, sample_truth, "mug")
    _log(window, f"IoU of the preview with the mug, in the photo clicked: {iou:.2f}")
    assert iou > 0.5


def test_ctrl_click_excludes(window: Window, sample_truth: SampleTruth) -> None:
    window.click(*_seen_inside(window, sample_truth, "book"), keys=("ctrl",))
    window.wait_for(PREVIEWED, 120)
    window.picture("excluded")
    assert window.ask(PROMPTS) == [True, False]
    assert _iou(window, sample_truth, "mug") > 0.5


def test_undo_takes_the_prompt_back_and_redo_brings_it(window: Window) -> None:
    window.key("ctrl+z")
    window.wait_for(f"{PROMPTS} == [True]")
    window.key("ctrl+shift+z")
    window.wait_for(f"{PROMPTS} == [True, False]")
    window.wait_for(PREVIEWED, 120)


def test_segment_makes_an_object(window: Window) -> None:
    window.key("Escape")
    window.press("ops.wildseg3d.segment(")
    window.wait_for(f"{OBJECTS} and not ({JOB})", 120)
    time.sleep(2)
    _log(window, f"Clicks from a chosen folder to the first object: {window.clicks}")
    window.picture("segmented")
    assert window.ask("bpy.context.view_layer.objects.active.name") == window.ask(OBJECTS)[0]


def test_undo_and_redo_of_segment(window: Window) -> None:
    x, y, width, height = window.ask("area_rect()")
    window.move(x + width * 0.4, y + height * 0.5)
    window.key("ctrl+z")
    window.wait_for(f"{OBJECTS} == []")
    window.picture("segment-undone")
    window.key("ctrl+shift+z")
    window.wait_for(OBJECTS)
    window.picture("segment-redone")


def test_a_box_finds_another_object(window: Window, sample_truth: SampleTruth) -> None:
    window.press("ops.wildseg3d.prompt_place(")
    window.wait_for(LOOKS_THROUGH)
    rows, columns = np.nonzero(sample_truth.mask("teddy", window.ask(VIEW)))
    height, width = sample_truth.mask("teddy", window.ask(VIEW)).shape
    left, right = columns.min() / width - 0.01, columns.max() / width + 0.01
    high, low = rows.min() / height - 0.01, rows.max() / height + 0.01
    start, end = window.ask(f"[at_photo({left}, {high}), at_photo({right}, {low})]")
    window.drag(tuple(start), tuple(end), keys=("shift",))
    window.wait_for(f"len({ROOT_SETTINGS}.groups) == 2")
    assert window.ask(BOX) == pytest.approx([left, high, right, low], abs=0.005), "not where it was dragged"
    window.wait_for(PREVIEWED, 120)
    window.picture("box")
    assert _iou(window, sample_truth, "teddy") > 0.5
    window.key("Escape")
    window.press("ops.wildseg3d.segment(")
    window.wait_for(f"len({OBJECTS}) == 2 and not ({JOB})", 120)
    time.sleep(2)
    window.picture("two-objects")


def test_a_click_on_a_box_frame_is_a_click_and_a_drag_moves_the_box(window: Window) -> None:
    prompts, box = window.ask(PROMPTS), window.ask(BOX)
    left, high, right, low = box
    window.press("ops.wildseg3d.prompt_place(")
    window.wait_for(LOOKS_THROUGH)
    on_frame, beyond = window.ask(
        f"[at_photo({left}, {(high + low) / 2}), at_photo({left + 0.05}, {(high + low) / 2})]"
    )
    for keys, positive in ((), True), (("ctrl",), False):
        window.click(*on_frame, keys=keys)
        window.wait_for(f"{PROMPTS} == {[*prompts, positive]}")
        window.key("ctrl+z")
        window.wait_for(f"{PROMPTS} == {prompts}")
    window.drag(tuple(on_frame), tuple(beyond))
    window.wait_for(f"abs({BOX}[0] - {left + 0.05}) < 0.005")
    assert window.ask(PROMPTS) == prompts
    window.key("ctrl+z")
    window.wait_for(f"abs({BOX}[0] - {left}) < 0.005")
    assert window.ask(BOX) == pytest.approx([left, high, right, low], abs=0.005)
    window.key("Escape")


def test_alt_click_selects_and_boxes_of_others_are_not_in_the_way(
    window: Window, sample_truth: SampleTruth
) -> None:
    mug, teddy = window.ask(OBJECTS)
    window.wait_for(f"{ACTIVE} == {teddy!r}")
    left, high, _, low = window.ask(BOX)
    window.press("ops.wildseg3d.prompt_place(")
    window.wait_for(LOOKS_THROUGH)
    window.click(*_seen_inside(window, sample_truth, "mug"), keys=("alt",))
    window.wait_for(f"{ACTIVE} == {mug!r}")
    window.picture("selected-by-click")
    assert window.ask("bpy.context.view_layer.objects.active.name") == mug

    prompts = window.ask(PROMPTS)
    window.click(*window.ask(f"at_photo({left}, {(high + low) / 2})"))
    window.wait_for(f"len({PROMPTS}) == {len(prompts) + 1}")  # the frame of another's box is not in the way
    assert window.ask(ACTIVE) == mug
    window.key("ctrl+z")
    window.wait_for(f"{PROMPTS} == {prompts}")
    window.key("Escape")


def test_undo_and_redo_of_refine_alignment(window: Window) -> None:
    """Each brings the scene folder's cameras and points along with Blender's."""
    _press_below(window, "ops.wildseg3d.segment(", REFINE_HEADER)
    old = window.ask(SCENE_FOLDER)
    window.press("ops.wildseg3d.realign(")
    window.wait_for(JOB)
    window.wait_for(f"{ALIGNED_FOR} and not ({JOB})", 300)
    window.picture("refined")
    new = window.ask(SCENE_FOLDER)
    assert new != old
    x, y, width, height = window.ask("area_rect()")
    for key, aligned, folder in (("ctrl+z", False, old), ("ctrl+shift+z", True, new), ("ctrl+z", False, old)):
        window.move(x + width * 0.4, y + height * 0.5)
        window.key(key)
        window.wait_for(f"bool({ALIGNED_FOR}) == {aligned}")
        assert window.ask(SCENE_FOLDER) == folder == window.ask(SHOWN)
    _press_below(window, "ops.wildseg3d.segment(", REFINE_HEADER)


def test_surfaces_of_an_object(window: Window) -> None:
    mug = window.ask(ACTIVE)
    _press_below(window, "wildseg3d.thumbnails", SCENE_HEADER)
    for kind in ("VIEWS", "MERGED"):  # the second takes the first one's place
        window.press(f"kind='{kind}', object=\"{mug}\"")
        window.wait_for(f"{KINDS} == ['{kind}'] and not ({JOB})", 120)
        window.picture(f"surface-{kind.lower()}")
        assert window.ask(f"len(bpy.data.objects[{SURFACES}[0]].data.polygons)") > 100
        assert not window.ask(THROUGH_PHOTO), "the photo covers what was made"
    _press_below(window, "wildseg3d.thumbnails", SCENE_HEADER)


def test_saved(window: Window) -> None:
    window.key("ctrl+s")
    window.wait_for("not bpy.data.is_dirty")


def test_opened_again_it_goes_on(
    window: Window, profile: Path, photos: Path, sample_truth: SampleTruth
) -> None:
    objects = window.ask(OBJECTS)
    file = str(photos.parent / "work.blend")
    with screen() as display, blender(COMMAND, profile, OUT, display, file) as second:
        assert second.ask(OBJECTS) == objects
        x, y, width, height = second.ask("area_rect()")
        second.click(x + width / 2, y + height * 0.8)
        second.press("ops.wildseg3d.object_add(")
        second.press("ops.wildseg3d.look(")
        second.press("ops.wildseg3d.prompt_place(")
        second.wait_for(THROUGH_PHOTO)
        second.click(*_seen_inside(second, sample_truth, "orange"))
        second.wait_for(PREVIEWED, 120)
        second.picture("opened-again")
        second.key("Escape")
        second.press("ops.wildseg3d.segment(")
        second.wait_for(f"len({OBJECTS}) == 3 and not ({JOB})", 120)
        second.picture("three-objects")


def _press_below(window: Window, wanted: str, distance: int) -> None:
    """Click so far below a button: on a panel's header, which is no button that could be found."""
    x, y = window.find(wanted)
    window.click(x, y - distance)


def _seen_inside(window: Window, truth: SampleTruth, thing: str) -> tuple[float, float]:
    """Where in the window the middle of a thing is, in the photo looked through."""
    x, y = _inside(truth.mask(thing, window.ask(VIEW)))
    found = window.ask(f"at_photo({x}, {y})")
    return found[0], found[1]


def _iou(window: Window, truth: SampleTruth, thing: str) -> float:
    """IoU of the preview in the photo looked through with a thing's true mask."""
    view = window.ask(VIEW)
    mask = np.array(window.ask(f"addon('session.previewing').answer().masks[{view!r}].tolist()"), dtype=bool)
    true = truth.mask(thing, view)
    rows = (np.arange(mask.shape[0]) + 0.5) * true.shape[0] / mask.shape[0]
    columns = (np.arange(mask.shape[1]) + 0.5) * true.shape[1] / mask.shape[1]
    true = true[np.ix_(rows.astype(int), columns.astype(int))]
    return float((mask & true).sum() / (mask | true).sum())


def _log(window: Window, line: str) -> None:
    """What was measured, and the longest blocks since the last line."""
    with (OUT / "flow.log").open("a") as log:
        print(line, file=log)
        for seconds, where in window.ask("blocks()")[:5]:
            print(f"    in the add-on for {1000 * seconds:.0f} ms: {', '.join(where)}", file=log)


def _run(*arguments: str, profile: Path) -> None:
    subprocess.run([*shlex.split(COMMAND), *arguments], env=blender_environment(profile), check=True)


def _inside(mask: np.ndarray) -> tuple[float, float]:
    """The pixel furthest from the mask's edge, as shares of width and height."""
    import cv2

    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return (float(column) + 0.5) / mask.shape[1], (float(row) + 0.5) / mask.shape[0]
