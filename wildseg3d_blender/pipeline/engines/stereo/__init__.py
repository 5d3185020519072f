# SPDX-License-Identifier: GPL-3.0-or-later
"""The default pointmap engine: overlapping, textured photos; runs on any computer."""

from .engine import StereoEngine

__all__ = ["StereoEngine"]
