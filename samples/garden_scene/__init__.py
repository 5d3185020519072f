# SPDX-License-Identifier: GPL-3.0-or-later
"""A corner of a garden: a statue on its plinth between foliage, in front of a stone wall, under the sky.

``materials`` makes surfaces, ``foliage`` everything that grows, ``statue`` and ``things`` the objects,
``surroundings`` ground, wall, hedge and sky, ``scene`` puts them together. The ground is about z = 0.
"""
