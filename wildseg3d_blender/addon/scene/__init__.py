# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes in Blender, as plain functions. Operators call them; scripts may too.

    importing   a scene folder -> a collection of cameras and points
    prompting   clicks and boxes <-> Empties
    splitting   an object's points <-> a mesh of its own
    owners, moving, removing    what splitting is made of
    realigning  points, objects and cameras follow a scene that was aligned again
    surfaces    points -> textured meshes
    orientation ground and scale
    visibility, picking, selecting    what is seen, clicked on and chosen
    aiming, best_view, gripping    from the mouse to a photo's pixel, from any view
    cameras, points, display    what importing is made of
    groups, lookup, location    the list of objects, who is who, where scenes are kept
    viewing, framing    what open windows show

Each raises a ``WildSegError`` with a sentence for the user when its input does not fit.
"""
