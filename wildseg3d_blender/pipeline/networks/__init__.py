# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two neural parts ask of torch alike; imported only where a network runs."""
