# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring segmentation against true masks, with clicks simulated the way the literature does.

Truth masks are images named after the photo (``photo stem + .png``), at photo size, white on the object.
Everything here is compared in photo pixels: view masks are carried over with soft edges.

``truth`` reads masks, ``measures`` compares them, ``clicking`` plays the artist, ``held_out`` looks into
photos that the reconstruction does not know, ``report`` puts it together, ``words`` in words.
"""

from .clicking import Ask, Round, by_segmenter, by_session, first_click, next_click, play
from .held_out import HeldOutView, held_out_views
from .measures import Mask, accuracy, compare, iou
from .report import GOALS, MOST_CLICKS, clicks_to, evaluate, mean_of, measure_clicks
from .truth import check_clicked_truth, read_truth, truth_box

__all__ = [
    "GOALS",
    "MOST_CLICKS",
    "Ask",
    "HeldOutView",
    "Mask",
    "Round",
    "accuracy",
    "by_segmenter",
    "by_session",
    "check_clicked_truth",
    "clicks_to",
    "compare",
    "evaluate",
    "first_click",
    "held_out_views",
    "iou",
    "mean_of",
    "measure_clicks",
    "next_click",
    "play",
    "read_truth",
    "truth_box",
]
