# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's entry into the extension; everything is in ``wildseg3d_blender``.

The add-on is imported on call: test runners and the like import this file merely because the repository
root is the extension's root, and they have no business with Blender.
"""


def register() -> None:
    from .wildseg3d_blender import addon

    addon.register()


def unregister() -> None:
    from .wildseg3d_blender import addon

    addon.unregister()
