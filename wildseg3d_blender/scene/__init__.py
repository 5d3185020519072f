# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene folder on disk: photos' geometry and objects, what they were before, whose each point is."""
