# SPDX-License-Identifier: GPL-3.0-or-later
"""Quiet work with a real worker: previews that follow prompts, objects found meanwhile, who goes first."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, Truth
from tests.scenes.listed import Made, copied
from tests.waiting import wait_until
from wildseg3d_blender.conventions import project
from wildseg3d_blender.errors import Cancelled, WildSegError
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import read_objects

ON_BALL, ON_BOX = (-0.42, -0.4, 0.4), (0.3, -0.3, 0.35)


@pytest.fixture
def made(blender: Any, object_scene: Made, tmp_path: Path) -> Made:
    """The scene of a ball and a box, opened."""
    result = copied(object_scene, tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(result[0].folder))
    return result


def _click(bpy: Any, scene: Scene, name: str, point: tuple[float, float, float], **more: Any) -> None:
    view = scene.view("v2")
    pixel, _ = project(np.array(point), view.K, view.cam_to_world)
    x, y = view.warp.to_photo(pixel)
    bpy.ops.wildseg3d.prompt_add(view="v2", x=float(x), y=float(y), object=name, **more)


def _run(bpy: Any, until: Callable[[], bool]) -> None:
    """What the timer does in a window."""
    from wildseg3d_blender.addon import background

    def over() -> bool:
        if until():
            return True
        background.step(bpy.context.scene)
        return False

    wait_until(over)


def _answered() -> bool:
    import bpy

    from wildseg3d_blender.addon.session import previewing

    previewing.refresh(bpy.context.scene)
    return previewing.answer() is not None


def _matches(shown: Any, truths: dict[str, Truth], thing: int) -> bool:
    inter = union = 0
    for view, truth in truths.items():
        mask, wanted = shown.preview.masks[view], truth.shows == thing
        inter, union = inter + int((mask & wanted).sum()), union + int((mask | wanted).sum())
    return inter > 0.8 * union


def test_previews_follow_prompts_undo_and_the_toggle(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import previewing, runtime

    scene, truths = made
    blender.ops.ed.undo_push(message="before")
    _click(blender, scene, "Thing", ON_BALL)
    blender.ops.ed.undo_push(message="click")
    _run(blender, _answered)
    first = previewing.shown()
    assert first is not None and not first.outdated and _matches(first, truths, BALL)
    assert not read_objects(scene) and "Thing" not in blender.data.objects

    # A prompt more: the old preview stays until the new one is there.
    _click(blender, scene, "Thing", (0.0, -0.6, 0.0), positive=False)
    blender.ops.ed.undo_push(message="exclude")
    _run(blender, lambda: runtime.quiet_job() is not None)
    between = previewing.shown()
    assert between is not None and between.key == first.key
    _run(blender, _answered)
    second = previewing.shown()
    assert second is not None and second.key != first.key

    # Undo needs no worker: its answer is known.
    blender.ops.ed.undo()
    _run(blender, lambda: (shown := previewing.shown()) is not None and shown.key == first.key)
    assert runtime.idle()

    # Moved by hand.
    prompt = next(item for item in blender.data.objects if item.wildseg3d.role == "PROMPT")
    prompt.location.x += 0.02
    blender.context.view_layer.update()
    _run(blender, lambda: (shown := previewing.shown()) is not None and shown.key != first.key)
    _run(blender, _answered)

    blender.context.scene.wildseg3d.preview = False
    _run(blender, lambda: previewing.shown() is None)
    prompt = next(item for item in blender.data.objects if item.wildseg3d.role == "PROMPT")
    prompt.location.x += 0.02
    blender.context.view_layer.update()
    for _ in range(40):
        _run(blender, lambda: True)
    assert runtime.idle() and previewing.current() is None


def test_a_first_answer_is_shown_until_the_answer_comes(
    blender: Any, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wildseg3d_blender.addon.panels import object_panel
    from wildseg3d_blender.addon.scene import lookup
    from wildseg3d_blender.addon.session import previewing

    scene, truths = made
    remember, seen = previewing.remember, []

    def remembered(key: str, answer: Any) -> None:
        remember(key, answer)
        root = lookup.require_root(blender.context.scene)
        said = object_panel._preview_state(blender.context, root, previewing.answer())
        seen.append((previewing.shown(), previewing.refining(), previewing.due(), said))

    monkeypatch.setattr(previewing, "remember", remembered)
    _click(blender, scene, "Thing", ON_BALL)
    _run(blender, _answered)
    (first, refining, first_due, first_said), (final, still, due, said) = seen
    assert (refining, first_due, first_said) == (True, True, "Preview: refining…")
    assert (still, due, said) == (False, False, "Preview: found for these prompts")
    assert not first.outdated and not final.outdated and first.key != final.key
    inside = [(first.preview.masks[view], final.preview.masks[view]) for view in truths]
    assert sum((a & b).sum() for a, b in inside) > 0.6 * sum((a | b).sum() for a, b in inside)
    assert _matches(final, truths, BALL)

    # Who waits for the answer gets it alone, and the same.
    previewing.forget()
    seen.clear()
    assert blender.ops.wildseg3d.preview() == {"FINISHED"}
    previewing.touch()
    _run(blender, _answered)
    assert [item[1] for item in seen] == [False]
    waited = previewing.shown()
    for view in truths:
        np.testing.assert_array_equal(waited.preview.masks[view], final.preview.masks[view])


def test_the_worker_gets_ready_once_the_objects_are_found(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import finding, preparing, runtime

    folder = made[0].folder
    finding.want(folder)
    _run(blender, lambda: preparing.due() == folder)
    _run(blender, lambda: preparing.due() is None)
    assert runtime.idle() and not finding.is_wanted(folder)
    runtime.close()
    finding.want(folder)
    _run(blender, lambda: (job := runtime.quiet_job()) is not None and job.method == preparing.METHOD)
    _click(blender, made[0], "Thing", ON_BALL)
    _run(blender, _answered)
    _run(blender, lambda: preparing.due() is None)
    assert runtime.idle()


def test_another_prompt_after_a_first_answer(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import previewing

    scene = made[0]
    _click(blender, scene, "Thing", ON_BALL)
    _run(blender, lambda: previewing.shown() is not None)
    was = previewing.shown()
    _click(blender, scene, "Thing", (0.0, -0.6, 0.0), positive=False)
    previewing.refresh(blender.context.scene)
    between = previewing.shown()
    assert between is not None and between.key == was.key, "what was shown stays until there is something new"
    _run(blender, _answered)
    assert not previewing.refining() and previewing.shown().key != was.key


def test_the_preview_is_what_segment_cuts_out(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon import background
    from wildseg3d_blender.addon.scene import lookup, preview_points
    from wildseg3d_blender.addon.session import previewing

    scene, _ = made
    _click(blender, scene, "Thing", ON_BALL)
    assert blender.ops.wildseg3d.preview() == {"FINISHED"}
    background.step(blender.context.scene)
    shown = previewing.shown()
    assert shown is not None
    root = lookup.active_root(blender.context.scene)
    found = preview_points.selected(scene, root, shown.preview.masks)
    assert set(found) == {lookup.points(root).name}
    blender.ops.wildseg3d.segment()
    stored = read_objects(scene)[0]
    for view, mask in stored.masks.items():
        np.testing.assert_array_equal(shown.preview.masks[view], mask)
    previewing.touch()
    background.step(blender.context.scene)
    after = previewing.shown()
    assert after is not None and after.applied and after.key == shown.key

    # The points that would be tinted are where they are now: most with the object, in its own space.
    found = preview_points.selected(scene, root, shown.preview.masks)
    thing = blender.data.objects["Thing"]
    assert len(found["Thing"].position) == len(thing.data.vertices)
    assert np.abs(np.median(found["Thing"].position, axis=0)).max() < 0.05
    assert found["Thing"].size.min() > 0


def test_answers_that_are_looked_up_follow_each_step_of_a_drag(
    blender: Any, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While something is moved, only what is known at once is asked about; then whatever it is."""
    from wildseg3d_blender.addon.session import previewing
    from wildseg3d_blender.addon.session.preview_answers import Preview

    scene, _ = made
    _click(blender, scene, "Thing", ON_BALL)
    for cached in (False, True):
        previewing.forget_answers()
        previewing.touch(settled=True)
        previewing.refresh(blender.context.scene)
        asked = previewing.current()
        assert asked is not None and previewing.due() and previewing.outdated()
        masks = {view.name: np.zeros(view.size[::-1], np.bool_) for view in scene.views}
        previewing.remember(asked.key, Preview(masks, cached, (False,), (False,), (0,), ()))
        assert not previewing.due()

        prompt = next(item for item in blender.data.objects if item.wildseg3d.role == "PROMPT")
        prompt.location.x += 0.02
        previewing.touch()
        previewing.refresh(blender.context.scene)
        with monkeypatch.context() as patient:  # however long these lines take
            patient.setattr(previewing, "SETTLES_IN", 600.0)
            patient.setattr(previewing, "FADES_AFTER", 600.0)
            assert previewing.due() == cached
            # What runs meanwhile is not broken off at each step: nothing would ever be answered.
            assert not previewing.outdated()
            shown = previewing.shown()
            assert shown is not None and shown.key == asked.key and not shown.outdated
        time.sleep(max(previewing.SETTLES_IN, previewing.FADES_AFTER))
        assert previewing.due() and previewing.outdated()
        shown = previewing.shown()
        assert shown is not None and shown.key == asked.key and shown.outdated


def test_prompts_that_mean_nothing_are_said_in_the_preview(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon import background
    from wildseg3d_blender.addon.session import previewing

    scene, _ = made
    _click(blender, scene, "Thing", ON_BALL, positive=False)
    background.step(blender.context.scene)
    assert previewing.shown() is None
    assert "Every prompt of Thing excludes" in previewing.problem()
    blender.ops.wildseg3d.prompt_remove()
    background.step(blender.context.scene)
    assert previewing.problem() == ""


def test_finding_makes_way_and_goes_on_by_itself(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import finding, previewing, runtime

    scene, truths = made
    assert finding.due() is None  # never by itself without a window
    finding.want(scene.folder)
    _run(blender, lambda: (job := runtime.quiet_job()) is not None and job.fraction > 0)
    assert blender.ops.wildseg3d.segment.poll() is False  # for want of prompts, not because of the job
    assert blender.ops.wildseg3d.object_add.poll()

    # A job does not wait for it to end, and is not refused.
    _click(blender, scene, "Thing", ON_BALL)
    assert blender.ops.wildseg3d.segment() == {"FINISHED"}
    assert finding.is_wanted(scene.folder) and finding.found(scene.folder, "graphcut") is None
    _run(blender, lambda: (job := runtime.quiet_job()) is not None and job.method == finding.METHOD)

    # Nor does a preview.
    _click(blender, scene, "Other", ON_BOX)
    _run(blender, _answered)
    assert finding.is_wanted(scene.folder)

    _run(blender, lambda: not finding.is_wanted(scene.folder))
    assert (finding.found(scene.folder, "graphcut") or 0) > 0

    # Now that objects are known, the same prompts are asked about again, and answered from them.
    _run(blender, _answered)
    _click(blender, scene, "Third", ON_BALL)
    _run(blender, _answered)
    shown = previewing.shown()
    assert shown is not None and _matches(shown, truths, BALL)


def test_a_job_can_be_called_off_before_its_turn(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import finding, runtime
    from wildseg3d_blender.prompts import Click, one_group
    from wildseg3d_blender.worker.messages import Segment

    scene, _ = made
    finding.want(scene.folder)
    _run(blender, lambda: runtime.quiet_job() is not None)
    request = Segment(str(scene.folder), "Ball", one_group([Click("v2", 80.0, 80.0)]))
    job = runtime.start("Segment Ball", "segment", request.to_json())
    with pytest.raises(WildSegError, match="Segment Ball is still running"):
        runtime.start("Segment Box", "segment", request.to_json())
    assert runtime.cancel() and job.done
    with pytest.raises(Cancelled):
        job.result()
    # It was never sent, and what made way for it goes on.
    _run(blender, lambda: not finding.is_wanted(scene.folder))
    assert not read_objects(scene)


def test_finding_can_be_called_off(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import finding, runtime

    scene, _ = made
    finding.want(scene.folder)
    _run(blender, lambda: runtime.quiet_job() is not None)
    finding.call_off(scene.folder)
    _run(blender, runtime.idle)
    assert finding.due() is None and finding.found(scene.folder, "graphcut") is None
    assert not (scene.folder / "mask_cache").exists()


@pytest.mark.parametrize("gone", ["undone", "deleted"])
def test_finding_rests_while_the_reconstruction_is_gone(
    blender: Any, object_scene: Made, tmp_path: Path, gone: str
) -> None:
    from wildseg3d_blender.addon import problems
    from wildseg3d_blender.addon.scene import lookup
    from wildseg3d_blender.addon.session import finding, runtime

    scene, _ = copied(object_scene, tmp_path / "scene")
    blender.ops.ed.undo_push(message="before")
    blender.ops.wildseg3d.open_scene(directory=str(scene.folder))
    blender.ops.ed.undo_push(message="open")
    finding.want(scene.folder)
    _run(blender, lambda: (job := runtime.quiet_job()) is not None and job.fraction > 0)
    reached = runtime.quiet_job().fraction

    root = lookup.active_root(blender.context.scene)
    if gone == "undone":
        blender.ops.ed.undo()
    else:
        for item in blender.context.scene.objects:
            item.select_set(item == root or item in root.children_recursive)
        blender.ops.object.delete()
        blender.ops.ed.undo_push(message="delete")
    assert lookup.active_root(blender.context.scene) is None
    _run(blender, runtime.idle)
    for _ in range(20):
        _run(blender, lambda: True)
    assert runtime.idle() and finding.due() is None
    assert not finding.failure(scene.folder) and problems.last() is None
    assert not (scene.folder / "mask_cache").exists()

    blender.ops.ed.redo() if gone == "undone" else blender.ops.ed.undo()
    assert finding.is_wanted(scene.folder)
    _run(blender, lambda: (job := runtime.quiet_job()) is not None and job.fraction >= reached)
    _run(blender, lambda: not finding.is_wanted(scene.folder))
    assert (finding.found(scene.folder, "graphcut") or 0) > 0


def test_find_objects_by_operator(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import finding

    scene, _ = made
    assert blender.ops.wildseg3d.find_objects() == {"FINISHED"}
    assert (scene.folder / "mask_cache" / "cache.json").is_file()
    assert finding.found(scene.folder, "graphcut") is not None


def test_a_scene_folder_that_is_gone_ends_finding_with_a_sentence(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import finding

    folder = made[0].folder
    shutil.rmtree(folder)
    finding.want(folder)
    _run(blender, lambda: finding.failure(folder) != "")
    assert "No scene at" in finding.failure(folder)
    assert finding.due() is None


def test_opening_another_file_forgets_quiet_work(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import finding, previewing, runtime

    scene, _ = made
    _click(blender, scene, "Thing", ON_BALL)
    finding.want(scene.folder)
    _run(blender, lambda: runtime.quiet_job() is not None)
    blender.ops.wm.read_factory_settings(use_empty=True)
    assert runtime.idle() and finding.due() is None and previewing.current() is None
    assert not (scene.folder / "mask_cache").exists()
