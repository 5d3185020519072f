# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on as a guest in Blender: it comes and goes without a trace, and says what it needs."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from tests.addon_scene import write_awkward_scene


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


@pytest.mark.parametrize("photos", [False, True])
def test_panels_draw(blender: Any, tmp_path: Path, photos: bool) -> None:
    """Every panel and list with a layout that takes any call: a typo in ``draw`` shows only when it runs."""
    from wildseg3d_blender.addon import panels

    if photos:
        write_awkward_scene(tmp_path / "scene")
        blender.ops.wildseg3d.open_scene(directory=str(tmp_path / "scene"))
        blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300, object="Vase")
        blender.context.scene.wildseg3d.engines = "NEURAL"
    drawn = []
    for cls in panels._CLASSES:
        if not issubclass(cls, blender.types.Panel):
            continue
        if not hasattr(cls, "poll") or cls.poll(blender.context):
            layout = _Recorder()
            cls.draw(_Standin(layout), blender.context)
            drawn += layout.texts
    assert ("Start here" in drawn) == (not photos)
    assert ("3 of 4 placed" in drawn) == ("Open Preferences" in drawn) == photos
    assert ("Photos: stereo" in drawn) == (not photos)


class _Standin:
    """What a panel's ``draw`` sees as ``self``."""

    def __init__(self, layout: _Recorder) -> None:
        self.layout = layout


class _Recorder:
    """Stands where a layout would be (without a window there is none); checks calls against the real one."""

    def __init__(self, texts: list[str] | None = None) -> None:
        object.__setattr__(self, "texts", [] if texts is None else texts)

    def __getattr__(self, name: str) -> Any:
        import bpy

        function = bpy.types.UILayout.bl_rna.functions[name]
        known = {parameter.identifier for parameter in function.parameters}

        def call(*args: Any, **kwargs: Any) -> Any:
            assert set(kwargs) <= known, f"{name} has no {set(kwargs) - known}"
            if "text" in kwargs:
                self.texts.append(kwargs["text"])
            if name in ("prop", "template_list"):
                owner, attribute = (args[0], args[1]) if name == "prop" else (args[2], args[3])
                assert hasattr(owner, attribute), f"{owner} has no {attribute}"
            if name == "operator":
                kind, _, operator = args[0].partition(".")
                return _Settings(getattr(getattr(bpy.ops, kind), operator).get_rna_type())
            return _Recorder(self.texts)

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        import bpy

        assert name in bpy.types.UILayout.bl_rna.properties, name


class _Settings:
    """Takes an operator's properties, and only those it has."""

    def __init__(self, kind: Any) -> None:
        object.__setattr__(self, "kind", kind)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.kind.properties, name


def test_worker_client_needs_no_blender() -> None:
    """The package around it is Blender's side, but importing it must not ask for ``bpy``."""
    import wildseg3d_blender.addon as package

    source = inspect.getsource(package)
    assert "import bpy" not in source
