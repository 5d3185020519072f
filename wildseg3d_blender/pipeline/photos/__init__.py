# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and videos as the views that engines measure: read, checked, made pinhole pictures."""
