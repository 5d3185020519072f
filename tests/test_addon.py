# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on as a guest in Blender: it comes and goes without a trace, and says what it needs."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from tests.scenes.awkward import write_awkward_scene


def test_every_operator_and_property_explains_itself(blender: Any) -> None:
    names = [name for name in dir(blender.ops.wildseg3d) if not name.startswith("_")]
    assert {"reconstruct", "prompt_add", "segment", "cancel", "open_scene"} <= set(names)
    for name in names:
        kind = getattr(blender.ops.wildseg3d, name).get_rna_type()
        assert kind.description and kind.description != "(undocumented operator)", name
        for item in kind.properties:
            assert item.identifier == "rna_type" or item.name, f"{name}.{item.identifier}"


@pytest.mark.parametrize("name", ["segment", "prompt_add", "prompt_remove", "look", "object_remove"])
def test_what_needs_a_reconstruction_says_so(blender: Any, name: str) -> None:
    operator = getattr(blender.ops.wildseg3d, name)
    assert not operator.poll()
    with pytest.raises(RuntimeError, match="press Reconstruct"):
        operator()


def test_segment_without_prompts_says_so(blender: Any, tmp_path: Path) -> None:
    write_awkward_scene(tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(tmp_path / "scene"))
    with pytest.raises(RuntimeError, match="No prompts yet: press Add Prompt"):
        blender.ops.wildseg3d.segment()


def test_cancel_with_nothing_running_says_so(blender: Any) -> None:
    with pytest.raises(RuntimeError, match="Nothing is running"):
        blender.ops.wildseg3d.cancel()


def test_edit_mode_is_in_the_way_and_said_so(blender: Any, tmp_path: Path) -> None:
    write_awkward_scene(tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(tmp_path / "scene"))
    points = next(item for item in blender.data.objects if item.wildseg3d.role == "POINTS")
    blender.context.view_layer.objects.active = points
    blender.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Object Mode"):
        blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300)


def test_worker_client_needs_no_blender() -> None:
    """The package around it is Blender's side, but importing it must not ask for ``bpy``."""
    import wildseg3d_blender.addon as package

    source = inspect.getsource(package)
    assert "import bpy" not in source
