# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes its time: reconstructing, finding objects, segmenting, refining the alignment, opening a scene.

Each is a generator (``driving.Work``) that operators drive between Blender's events, and the functions of
``api`` straight to the end.
"""
