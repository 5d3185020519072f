# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural scenes to learn object outlines from: random things in random places, and the exact truth.

``forms``, ``prints`` and ``materials`` are what ``vessels``, ``boxes``, ``figures``, ``plants``,
``implements`` and ``fabrics`` make things of; ``things`` chooses. ``surroundings`` and ``lights`` set the
stage, ``layout`` puts the things there, ``photographer`` chooses views, ``render`` takes and writes them.
One seed is one scene, the same at every run. Metres; Z up.
"""
