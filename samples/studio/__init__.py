# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sample scenes share: building them, walking around them, taking photos and writing down the truth.

``nodes`` makes surfaces, ``shapes`` meshes, ``lamps`` lights; ``camera`` is the photographer with the lens,
``shooting`` takes the photos, ``truth_passes`` knows what only a renderer knows. Lengths are metres; Z is up.
"""
