# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a scene found before anybody asks: made, kept, carried over, and looked up by prompts."""
