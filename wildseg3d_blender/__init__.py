# SPDX-License-Identifier: GPL-3.0-or-later
"""WildSeg3D for Blender: photos to a 3D scene, objects out of it by a click.

One direction of flow: photos -> pair graph -> aligned scene -> masks -> objects -> Blender.
``pipeline`` computes, ``worker`` runs it in a process of its own, ``addon`` shows it in Blender, ``cli`` at a
terminal. ``scene`` is the scene folder that they share, ``files`` what any file asks for, ``neural`` the
networks' environment and models; these and the modules beside them are the ground that the others stand on
and need the standard library and numpy.
"""

__version__ = "0.1.0"
