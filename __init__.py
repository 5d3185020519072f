# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's entry into the extension; everything is in ``wildseg3d_blender``."""

from .wildseg3d_blender.addon import register, unregister

__all__ = ["register", "unregister"]
