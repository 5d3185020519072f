# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks by SAM 2. torch is imported only when the network is."""

from .segmenter import Sam2Segmenter

__all__ = ["Sam2Segmenter"]
