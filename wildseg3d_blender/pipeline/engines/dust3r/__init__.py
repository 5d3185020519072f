# SPDX-License-Identifier: GPL-3.0-or-later
"""Pointmaps by DUSt3R. torch is imported only when the network is."""

from .engine import Dust3rEngine

__all__ = ["Dust3rEngine"]
