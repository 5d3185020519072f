# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pairs of many views are worth the work."""

from .selection import both_directions, joining_pairs, one_direction, select_pairs

__all__ = ["both_directions", "joining_pairs", "one_direction", "select_pairs"]
