# SPDX-License-Identifier: GPL-3.0-or-later
"""The one worker of this Blender session: its process, its jobs, and what it is asked without a button."""
