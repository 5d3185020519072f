# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python -m wildseg3d_blender``."""
