# SPDX-License-Identifier: GPL-3.0-or-later
"""The Object Prompt tool, and what is drawn over the 3D view while it is in use."""
