# SPDX-License-Identifier: GPL-3.0-or-later
"""pytest in a process that ends before Blender's module is taken apart; the arguments are pytest's.

Blender 4.2's module frees its editors' panels after Python has ended and dies of it, once anything was
exported as glTF:

    import bpy
    bpy.ops.export_scene.gltf(filepath="cube.glb")
    # Segmentation fault at exit: ~SpaceType, bpy_class_free, PyGILState_Ensure without an interpreter

All that Python does at its end is done, tests that crash Blender still end the process with a signal, and
the exit status is pytest's.
"""

from __future__ import annotations

import atexit
import os
import sys

status = 1


@atexit.register  # registered before anything else, so that it runs after all else
def _end() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    import pytest

    status = int(pytest.main(sys.argv[1:]))
