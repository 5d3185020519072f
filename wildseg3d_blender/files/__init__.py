# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as such: whole or not at all, arrays opened from any thread, names that every disk takes."""
