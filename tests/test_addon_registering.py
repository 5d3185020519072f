# SPDX-License-Identifier: GPL-3.0-or-later
"""Registered and unregistered again and again, reloaded: nothing is left behind, nothing is doubled."""

from __future__ import annotations

import gc
import importlib
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import PATIENCE

PACKAGE = "wildseg3d_blender"


@pytest.fixture(autouse=True)
def no_worker(blender: Any) -> None:
    """Earlier tests leave their worker to the next one; here it would count."""
    from wildseg3d_blender.addon.session import runtime

    runtime.close()
    for thread in _threads():
        thread.join(PATIENCE)


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "wildseg3d" in thread.name]


def _state(bpy: Any) -> dict[str, Any]:
    """What an add-on can leave behind in Blender, apart from the files it is made of."""
    gc.collect()  # what earlier tests left would go at any moment
    return {
        "types": sorted(dir(bpy.types)),
        "operators": sorted(dir(bpy.ops.wildseg3d)),
        "properties": sorted(_properties(bpy)),
        "attributes": sorted(name for name in dir(bpy.types.Scene) + dir(bpy.types.Object)),
        "handlers": sorted(_handlers(bpy)),
        "timers": sorted(_timers(bpy)),
        "keymaps": sorted(_keymap_items(bpy)),
        "tools": list(_tools()),
        "menus": sorted(_drawn_into(bpy)),
        "previews": sum(1 for item in gc.get_objects() if type(item).__name__ == "ImagePreviewCollection"),
        "threads": sorted(thread.name for thread in _threads()),
    }


def _properties(bpy: Any) -> Iterator[str]:
    owners = ("Scene", "Object", "WindowManager", "ViewLayer", "Mesh", "Camera", "Collection", "Preferences")
    for owner in owners:
        yield from (f"{owner}.{name}" for name in getattr(bpy.types, owner).bl_rna.properties.keys())  # noqa: SIM118


def _handlers(bpy: Any) -> Iterator[str]:
    for kind in dir(bpy.app.handlers):
        functions = getattr(bpy.app.handlers, kind)
        if isinstance(functions, list):
            yield from (f"{kind}: {function.__module__}.{function.__qualname__}" for function in functions)


def _timers(bpy: Any) -> Iterator[str]:
    for module in [module for name, module in sys.modules.items() if name.startswith(PACKAGE)]:
        for name, value in vars(module).items():
            if isinstance(value, types.FunctionType) and bpy.app.timers.is_registered(value):
                yield f"{module.__name__}.{name}"


def _keymap_items(bpy: Any) -> Iterator[str]:
    for configuration in bpy.context.window_manager.keyconfigs:
        for keymap in configuration.keymaps:
            found = (item.idname for item in keymap.keymap_items if "wildseg3d" in item.idname)
            yield from (f"{configuration.name}/{keymap.name}/{name}" for name in found)


def _tools() -> Iterator[str]:
    from bl_ui.space_toolsystem_toolbar import VIEW3D_PT_tools_active

    for mode, tools in VIEW3D_PT_tools_active.tools_all():
        for tool in tools:
            group = tool if isinstance(tool, tuple) and not hasattr(tool, "idname") else (tool,)
            yield from (f"{mode}: {getattr(item, 'idname', type(item).__name__)}" for item in group)


def _drawn_into(bpy: Any) -> Iterator[str]:
    for name in dir(bpy.types):
        draw = getattr(getattr(bpy.types, name), "draw", None)
        for function in getattr(draw, "_draw_funcs", ()):
            if "wildseg3d" in function.__module__:
                yield f"{name}: {function.__module__}.{function.__qualname__}"


def test_registered_ten_times_leaves_nothing(blender: Any) -> None:
    from wildseg3d_blender import addon
    from wildseg3d_blender.addon import command

    registered = _state(blender)
    assert "WILDSEG3D_PT_photos" in registered["types"]
    assert {"Scene.wildseg3d", "Object.wildseg3d", "WindowManager.wildseg3d"} <= set(registered["properties"])
    assert any(PACKAGE in name for name in registered["handlers"]) and registered["menus"]
    addon.unregister()
    try:
        without = _state(blender)
        ours = [name for names in without.values() if isinstance(names, list) for name in names]
        assert not [name for name in ours if "wildseg3d" in name.lower()]
        for _ in range(10):
            addon.register()
            try:
                assert _state(blender) == registered
                assert len(command._handles) == 1
            finally:
                addon.unregister()
            assert _state(blender) == without
            assert not command._handles
    finally:
        addon.register()


def test_reloaded_it_works_on_with_what_the_file_holds(blender: Any, tmp_path: Any) -> None:
    from tests.scenes.awkward import write_awkward_scene
    from wildseg3d_blender import addon
    from wildseg3d_blender.addon.session import runtime

    write_awkward_scene(tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(tmp_path / "scene"))
    blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300, object="Vase")
    runtime.close()
    registered = _state(blender)
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == PACKAGE}
    addon.unregister()
    for name in kept:
        del sys.modules[name]
    try:
        # As Blender does it: every module of the add-on is read anew.
        fresh = importlib.import_module(f"{PACKAGE}.addon")
        assert fresh is not addon
        fresh.register()
        try:
            now = _state(blender)
            assert now == registered
            (group,) = blender.context.scene.wildseg3d.root.wildseg3d.groups
            assert group.name == "Vase"
            blender.ops.wildseg3d.prompt_add(view="wide", x=520, y=300)
            assert blender.ops.wildseg3d.object_remove() == {"FINISHED"}
        finally:
            fresh.unregister()
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        sys.modules.update(kept)
        addon.register()
    assert _state(blender) == registered


def test_a_failed_registration_says_so_and_the_next_one_works(
    blender: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier version that is still registered, say: Blender shows the error, and disabling cleans up."""
    from wildseg3d_blender import addon

    registered = _state(blender)
    with pytest.raises(ValueError, match="already registered"):
        addon.register()
    addon.unregister()
    addon.register()
    assert _state(blender) == registered
