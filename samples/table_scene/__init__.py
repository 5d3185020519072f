# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample scene: a table by a window, built from nothing but procedures.

``prints`` draws the paper things, ``materials`` makes surfaces, ``props`` and ``teddy`` put the objects
together, ``room`` the table, wall and light; ``cameras`` says how it is photographed. Lengths are metres; Z
is up; the table's top is the plane z = 0 and the objects stand around the origin.
"""
