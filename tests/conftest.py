# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender that the add-on's tests run in: factory settings, a user folder of its own, the add-on on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def blender_session() -> Iterator[Any]:
    """``bpy`` with the add-on registered, once for all tests."""
    with tempfile.TemporaryDirectory(prefix="wildseg3d-blender-") as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        bpy = pytest.importorskip("bpy", reason="needs Blender's module")
        from wildseg3d_blender import addon

        addon.register()
        yield bpy
        addon.unregister()


@pytest.fixture
def blender(blender_session: Any, tmp_path: Path) -> Iterator[Any]:
    """``bpy`` with an empty file and a clean runtime."""
    blender_session.ops.wm.read_factory_settings(use_empty=True)
    yield blender_session
    from wildseg3d_blender.addon import runtime

    runtime.cancel()
    # Frees what the last test mapped or linked before its folder goes.
    blender_session.ops.wm.read_factory_settings(use_empty=True)
