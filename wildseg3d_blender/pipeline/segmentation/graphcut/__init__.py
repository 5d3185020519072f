# SPDX-License-Identifier: GPL-3.0-or-later
"""The default segmenter: superpixels of all views in one graph, prompts as seeds, minimum cuts."""

from __future__ import annotations

from .prominent import prominent_click
from .segmenter import GraphCutSegmenter

__all__ = ["GraphCutSegmenter", "prominent_click"]
