# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample scene: a table by a window, built from nothing but procedures.

``prints`` draws the paper things, ``nodes`` and ``materials`` make surfaces, ``shapes`` makes meshes,
``props`` and ``teddy`` put the objects together, ``room`` the table, wall and light, ``cameras`` the
photographer, ``truth_passes`` what only a renderer knows. Lengths are metres; Z is up; the table's top
is the plane z = 0 and the objects stand around the origin.
"""
