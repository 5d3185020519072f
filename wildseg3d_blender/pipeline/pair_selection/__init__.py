# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pairs of many views are worth the work."""

from .selection import both_directions, in_capture_order, joining_pairs, one_direction, select_pairs
from .similarity import FEATURES_PER_PHOTO, descriptor_similarity, image_similarity

__all__ = [
    "FEATURES_PER_PHOTO",
    "both_directions",
    "descriptor_similarity",
    "image_similarity",
    "in_capture_order",
    "joining_pairs",
    "one_direction",
    "select_pairs",
]
