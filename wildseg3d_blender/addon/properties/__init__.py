# SPDX-License-Identifier: GPL-3.0-or-later
"""What the .blend keeps of a scene, its objects and its surfaces."""
