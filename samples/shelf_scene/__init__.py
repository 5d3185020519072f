# SPDX-License-Identifier: GPL-3.0-or-later
"""A shelf of look-alikes: jars of one shape, a set of books, stacked boxes, each touching the next.

``prints`` draws labels, ``materials`` makes surfaces, ``things`` the objects; ``scene`` puts them in place.
The lower board's top is z = 0; the wall is behind, along y.
"""
