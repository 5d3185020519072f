# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning object outlines from rendered scenes. Nothing here is needed to run the add-on."""
