# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar, step by step. Draws what is there; never changes anything."""
